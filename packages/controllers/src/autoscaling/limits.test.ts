import type { HorizontalPodAutoscalerSpec, HPAScalingRules } from '@skiff/api'
import { seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { limit, longestPeriod } from './limits.ts'
import { firstMemory, type Memory, scaled } from './memory.ts'

const syncMs = 15_000

/** A random autoscaler over an hour of random recommendations; whatever they are, its rules hold. */
const hour = (seed: number): void => {
  const random = seededRandom(seed)
  const upTo = (most: number) => Math.floor(random() * (most + 1))
  const policy = () => ({
    type: random() < 0.5 ? 'Pods' : 'Percent',
    value: 1 + upTo(9) * (random() < 0.5 ? 1 : 20),
    periodSeconds: 15 * (1 + upTo(8)),
  })
  const rules = (): HPAScalingRules => ({
    selectPolicy: ['Max', 'Min', 'Disabled'][upTo(9) === 9 ? 2 : upTo(1)] as string,
    policies: [policy(), ...(random() < 0.5 ? [policy()] : [])],
    stabilizationWindowSeconds: 60 * upTo(5),
  })
  const behavior = random() < 0.8 ? { scaleUp: rules(), scaleDown: rules() } : undefined
  const spec: Pick<HorizontalPodAutoscalerSpec, 'behavior'> = behavior ? { behavior } : {}
  const min = 1 + upTo(4)
  const max = min + upTo(60)
  let current = min + upTo(max - min)
  let memory: Memory = firstMemory(current, 0)
  const sizes: { readonly atMs: number; readonly size: number }[] = [{ atMs: 0, size: current }]
  for (let nowMs = syncMs; nowMs <= 3_600_000; nowMs += syncMs) {
    const wanted = upTo(80)
    const found = limit(spec, { current, min, max }, wanted, memory, nowMs)
    memory = found.memory
    const { replicas } = found
    if (replicas < min || replicas > max) throw new Error(`${replicas} is not within ${min} and ${max}, seed ${seed}`)
    if (behavior) checkPolicies(behavior, current, replicas, sizes, nowMs)
    else if (replicas > current) expect(replicas).toBeLessThanOrEqual(Math.max(4, 2 * current))
    if (replicas !== current && behavior) memory = scaled(memory, current, replicas, longestPeriod(behavior), nowMs)
    current = replicas
    sizes.push({ atMs: nowMs, size: current })
  }
  // What is remembered does not grow with time.
  expect(memory.recommendations.length).toBeLessThanOrEqual(22)
}

const checkPolicies = (
  { scaleUp, scaleDown }: { readonly scaleUp: HPAScalingRules; readonly scaleDown: HPAScalingRules },
  before: number,
  after: number,
  sizes: readonly { readonly atMs: number; readonly size: number }[],
  nowMs: number,
): void => {
  if (after === before) return
  const rules = after > before ? scaleUp : scaleDown
  expect(rules.selectPolicy).not.toBe('Disabled')
  if (rules.policies?.length !== 1) return
  const [{ type, value, periodSeconds } = { type: '', value: 0, periodSeconds: 0 }] = rules.policies
  const startMs = nowMs - periodSeconds * 1_000
  const start = sizes.findLast(({ atMs }) => atMs <= startMs)?.size ?? (sizes[0]?.size as number)
  const furthest = type === 'Pods' ? value : Math.ceil((start * value) / 100)
  expect(after > before ? after - start : start - after).toBeLessThanOrEqual(furthest)
}

test('an autoscaler keeps to its bounds and policies, whatever it is told (200 seeds)', () => {
  for (let seed = 0; seed < 200; seed += 1) hour(seed)
})
