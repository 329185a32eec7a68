import type { PodSpec } from '@skiff/api'
import { seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { planPod } from './plan-pod.ts'
import { isAlive, newest } from './seen.ts'
import { type Life, live, podOf } from './testing/life.ts'

const specOf = (random: () => number): Partial<PodSpec> => {
  const pick = <T>(...choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T
  const some = (prefix: string, most: number) =>
    Array.from({ length: Math.floor(random() * (most + 1)) }, (_, index) => `${prefix}${index}`)
  return {
    restartPolicy: pick('Always', 'Never', 'OnFailure'),
    initContainers: some('i', 3).map((name) => (random() < 0.4 ? { name, restartPolicy: 'Always' } : { name })),
    containers: ['m', ...some('c', 2)].map((name) => (random() < 0.3 ? { name, startupProbe: {}, livenessProbe: {} } : { name })),
    ...(random() < 0.2 ? { activeDeadlineSeconds: 300 } : {}),
  }
}

/** Something happens to the pod from outside. */
const happen = (life: Life, random: () => number): void => {
  const running = life.seen.containers.filter((container) => container.state === 'running')
  const target = running[Math.floor(random() * running.length)]?.name
  const choice = random()
  if (choice < 0.35 && target) life.exit(target, random() < 0.5 ? 0 : 1)
  else if (choice < 0.45 && target)
    life.probe(target, random() < 0.5 ? { liveness: 'failure' } : { startup: random() < 0.5 ? 'success' : 'failure' })
  else if (choice < 0.5) life.crash()
  else if (choice < 0.55) life.forget()
  else if (choice < 0.57) life.mark(Math.floor(random() * 30))
  else life.pass(Math.floor(random() * 60_000))
}

/** Checks one plan against what was seen before it. */
const check = (life: Life): void => {
  const plan = planPod(life.pod, life.seen, life.memory, life.nowMs)
  const over = ['Succeeded', 'Failed'].includes((life.memory.status ?? life.pod.status)?.phase ?? '')
  const killed = new Set(plan.flatMap((step) => (step.do === 'kill' ? step.container.id : [])))
  const stopped = new Set(plan.flatMap((step) => (step.do === 'stopSandbox' ? step.sandboxId : [])))
  const makes = plan.filter((step) => step.do === 'createSandbox')
  const readyAfter = life.seen.sandboxes.filter((sandbox) => sandbox.ready && !stopped.has(sandbox.id)).length + makes.length
  expect(readyAfter, 'never two ready sandboxes').toBeLessThanOrEqual(1)
  const names = plan.flatMap((step) => (step.do === 'start' ? step.name : []))
  expect(new Set(names).size, 'no container starts twice in one plan').toBe(names.length)
  for (const step of plan) {
    if (step.do === 'start') {
      expect(life.pod.metadata.deletionTimestamp === undefined && !over && !life.memory.ending, 'nothing starts after the end').toBe(true)
      expect(readyAfter, 'nothing starts without a sandbox').toBe(1)
      const alive = life.seen.containers.filter((one) => one.name === step.name && isAlive(one) && !killed.has(one.id))
      expect(alive, `${step.name} must not run twice`).toEqual([])
      if (step.kind === 'main' && makes.length === 0) expectInitialised(life)
    }
    if (step.do === 'finish') expect(life.seen.containers.some(isAlive) || life.seen.sandboxes.some(({ ready }) => ready)).toBe(false)
    if (step.do === 'remove') expect(isAlive(step.container) && !killed.has(step.container.id), 'only the dead are removed').toBe(false)
  }
}

const expectInitialised = (life: Life): void => {
  if (life.pod.spec.containers.some(({ name }) => newest(life.seen, name)?.state === 'running')) return
  for (const init of (life.pod.spec.initContainers ?? []).slice(-1)) {
    const last = newest(life.seen, init.name)
    expect(init.restartPolicy === 'Always' ? last?.state === 'running' : last?.exitCode === 0 && last.state === 'exited').toBe(true)
  }
}

/** Within one sandbox, a regular init container starts only after the regular ones before it have succeeded. */
const checkOrder = (life: Life): void => {
  const regular = (life.pod.spec.initContainers ?? []).filter((init) => init.restartPolicy !== 'Always').map(({ name }) => name)
  let next = 0
  for (const step of life.steps) {
    if (step.startsWith('sandbox')) next = 0
    const started = /^start init (\S+)/.exec(step)?.[1]
    if (started === undefined) continue
    const index = regular.indexOf(started)
    expect(index <= next, `${life.steps.join('; ')}: ${started} is ahead of its turn`).toBe(true)
    next = Math.max(next, index + 1)
  }
}

test.each(Array.from({ length: 300 }, (_, seed) => seed))('walk %i keeps the rules', (seed) => {
  const random = seededRandom(seed)
  const life = live(podOf(specOf(random)))
  for (let round = 0; round < 40 && !life.finished; round += 1) {
    check(life)
    life.sync()
    check(life)
    happen(life, random)
  }
  checkOrder(life)
  life.mark()
  life.sync()
  expect(life.finished).toBe(true)
  expect(life.seen.containers.some(isAlive)).toBe(false)
})
