import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { configMap, deployment, namespace, pod } from '@skiff/api'
import { connect, openHttp } from '@skiff/client'
import { isRefusal, systemEnv } from '@skiff/machinery'
import type { Share } from './api/profile.ts'
import { cpuMicrosOf, memoryMbOf, spawnServer } from './server-process.ts'

const { values: given } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5000' },
    pods: { type: 'string', default: '10000' },
    'most-pods': { type: 'string', default: '150000' },
    'hold-seconds': { type: 'string', default: '300' },
    only: { type: 'string', default: 'nodes,pods,delete,rollout,hold' },
    'node-options': { type: 'string', default: '--max-semi-space-size=32' },
    profile: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
})
interface Counts {
  readonly nodes: number
  readonly ready: number
  readonly pods: number
  readonly bound: number
  readonly running: number
  readonly available: number
}
const nodeCount = Number(given.nodes)
const podCount = Number(given.pods)
const only = new Set(given.only.split(','))
const env = systemEnv()
const dir = mkdtempSync(join(tmpdir(), 'skiff-simulated-bench-'))
const nodeOptions = given['node-options'].split(' ').filter(Boolean)
const { server, ended, nextLine } = spawnServer([...nodeOptions, join(import.meta.dirname, 'simulated/server.ts'), dir, String(nodeCount)])
const ask = (what: string): Promise<unknown> => {
  server.stdin.write(`${what}\n`)
  return nextLine()
}
const counts = async (): Promise<Counts> => (await ask('counts')) as Counts
const memoryMb = (): number => memoryMbOf(server.pid, 'RssAnon')
const cpuSeconds = (): number => cpuMicrosOf(server.pid) / 1e6
const results: Record<string, unknown> = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, nodeCount }
const round = (value: number) => Math.round(value * 100) / 100

/** Waits until the counts are as wanted; gives up when nothing has moved for two minutes. */
const until = async (what: string, done: (now: Counts) => boolean): Promise<void> => {
  let before = ''
  let movedMs = env.monotonicMs()
  for (;;) {
    const now = await counts()
    if (done(now)) return
    const text = JSON.stringify(now)
    if (text !== before) movedMs = env.monotonicMs()
    before = text
    if (env.monotonicMs() - movedMs > 120_000) throw new Error(`${what}: stuck at ${text}`)
    await env.sleep(50)
  }
}
const part = async (name: string, act: () => Promise<object>): Promise<void> => {
  if (!only.has(name)) return
  if (given.profile) await ask('profile')
  const beganMs = env.monotonicMs()
  const cpu = cpuSeconds()
  const more = await act()
  const result = {
    seconds: round((env.monotonicMs() - beganMs) / 1000),
    cpuSeconds: round(cpuSeconds() - cpu),
    memoryMb: memoryMb(),
    ...more,
  }
  results[name] = result
  console.log(`${name.padEnd(8)} ${JSON.stringify(result)}`)
  if (given.profile)
    for (const { name, percent } of (await ask('profile')) as Share[]) console.log(`  ${String(percent).padStart(5)} %  ${name}`)
}

/** `count` tasks, `width` at a time. */
const inParallel = async (count: number, width: number, task: (i: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  const lane = async () => {
    for (let i = next++; i < count; i = next++) await task(i)
  }
  await Promise.all(Array.from({ length: width }, lane))
}
const quantile = (sorted: readonly number[], share: number): number =>
  round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)

try {
  const { port, ca } = (await nextLine()) as { port: number; ca: string }
  const connection = openHttp({ server: `https://127.0.0.1:${port}`, ca, token: 'bench' })
  const client = connect(connection.handler, { name: 'decided by the token', groups: [] })
  await client.create(namespace, { metadata: { name: 'bench' } } as never)
  const template = (image: string, app: string) => ({
    metadata: { labels: { app } },
    spec: { containers: [{ name: 'main', image, resources: { requests: { cpu: '100m', memory: '128Mi' } } }] },
  })
  const draft = (name: string, replicas: number) =>
    ({
      metadata: { name, namespace: 'bench' },
      spec: { replicas, selector: { matchLabels: { app: name } }, template: template('web:1', name) },
    }) as never

  if (!only.has('nodes')) {
    await ask('nodes')
    await until('nodes', ({ ready }) => ready === nodeCount)
  }
  await part('nodes', async () => {
    await ask('nodes')
    await until('nodes', ({ ready }) => ready === nodeCount)
    return {}
  })
  await part('pods', async () => {
    const beganMs = env.monotonicMs()
    const { metadata, spec } = template('web:1', 'pods')
    const make = (i: number) => client.create(pod, { metadata: { ...metadata, name: `pod-${i}`, namespace: 'bench' }, spec } as never)
    await inParallel(podCount, 32, (i) => make(i))
    const createdMs = env.monotonicMs()
    await until('pods', ({ running }) => running === podCount)
    return { createdSeconds: round((createdMs - beganMs) / 1000) }
  })
  await part('delete', async () => {
    // One request may take a minute: on a slow machine that is not enough for all, and it is asked again.
    for (let left = true; left; )
      try {
        await client.removeCollection(pod, { namespace: 'bench' })
        left = false
      } catch (error) {
        if (!isRefusal(error, 504)) throw error
      }
    await until('delete', ({ pods }) => pods === 0)
    return {}
  })
  const others = await counts()
  if (only.has('rollout')) {
    await client.create(deployment, draft('rolls', 1_000))
    await until('first rollout', ({ available }) => available === others.available + 1_000)
  }
  await part('rollout', async () => {
    const spec = { template: template('web:2', 'rolls') }
    const target = { namespace: 'bench', name: 'rolls' }
    await client.patch(deployment, target, 'merge', { spec })
    for (;;) {
      const { status, metadata } = await client.get(deployment, target)
      const { observedGeneration, updatedReplicas, availableReplicas, replicas } = status ?? {}
      if (observedGeneration === metadata.generation && [updatedReplicas, availableReplicas, replicas].every((each) => each === 1_000))
        break
      await env.sleep(50)
    }
    return {}
  })
  if (only.has('rollout')) {
    await client.remove(deployment, { namespace: 'bench', name: 'rolls' })
    await until('the end of the rollout', ({ pods }) => pods === others.pods)
  }
  const most = Number(given['most-pods'])
  await part('hold', async () => {
    const beganMs = env.monotonicMs()
    await inParallel(Math.ceil(most / 500), 8, (i) => client.create(deployment, draft(`held-${i}`, 500)))
    await until('hold', ({ available }) => available >= most)
    const filledMs = env.monotonicMs()
    console.log(`         ${most} pods run after ${round((filledMs - beganMs) / 1000)} s, ${memoryMb()} MB`)
    const idleCpu = cpuSeconds()
    const latencies: number[] = []
    let mostMb = 0
    const untilMs = filledMs + Number(given['hold-seconds']) * 1000
    for (let i = 0; env.monotonicMs() < untilMs; i += 1) {
      const atMs = env.monotonicMs()
      await client.create(configMap, { metadata: { name: `probe-${i}`, namespace: 'bench' }, data: { at: String(i) } } as never)
      latencies.push(env.monotonicMs() - atMs)
      mostMb = Math.max(mostMb, memoryMb())
      await env.sleep(Math.max(0, 50 - (env.monotonicMs() - atMs)))
    }
    latencies.sort((a, b) => a - b)
    const writes = { p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), maxMs: quantile(latencies, 1) }
    const cores = round((cpuSeconds() - idleCpu) / Number(given['hold-seconds']))
    const now = await counts()
    return {
      pods: most,
      filledSeconds: round((filledMs - beganMs) / 1000),
      writes,
      cores,
      mostMb,
      lost: nodeCount - now.ready,
      unavailable: most - now.available,
    }
  })
  connection.close()
} finally {
  server.kill('SIGTERM')
  await ended
  rmSync(dir, { recursive: true, force: true })
}
if (given.record) {
  const file = join(import.meta.dirname, 'baselines/simulated.json')
  mkdirSync(join(import.meta.dirname, 'baselines'), { recursive: true })
  // Parts that were not run keep what was recorded before.
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : {}
  writeFileSync(file, `${JSON.stringify({ ...before, ...results }, null, 2)}\n`)
}
