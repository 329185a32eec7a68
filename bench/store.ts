/**
 * The embedded store under load: `node bench/store.ts [directory] [seconds]`. The directory must be on a real disk; figures of a
 * file system in memory say nothing about durable commits. Prints one line a case.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { systemEnv } from '@skiff/machinery'
import { openDurableStore, type Store } from '@skiff/store'

const env = systemEnv()
const root = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'skiff-bench-'))
const seconds = Number(process.argv[3] ?? 4)
const WRITERS = 32

const podKey = (i: number) => `/registry/pods/namespace-${i % 50}/deployment-${((i * 7919) % 1_000_003).toString(36)}-7d4b9c-${i}`
const randomValue = (bytes: number) => new Uint8Array(randomBytes(bytes))
const quantile = (sorted: readonly number[], q: number) =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(2)
const show = (name: string, facts: Record<string, string | number>) =>
  console.log(
    name.padEnd(34),
    Object.entries(facts)
      .map(([fact, value]) => `${fact} ${value}`)
      .join(' · '),
  )

/** What `act` cost: latencies it reported, the main thread's time, and the longest time the event loop stood still. */
const measured = async (name: string, act: (note: (ms: number) => void) => Promise<number>) => {
  const latencies: number[] = []
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.threadCpuUsage()
  const all = process.cpuUsage()
  const began = performance.now()
  const count = await act((ms) => latencies.push(ms))
  const elapsedMs = performance.now() - began
  const { user, system } = process.threadCpuUsage(cpu)
  const whole = process.cpuUsage(all)
  delay.disable()
  latencies.sort((a, b) => a - b)
  show(name, {
    'per s': Math.round((count / elapsedMs) * 1000),
    'p50 ms': quantile(latencies, 0.5),
    'p99 ms': quantile(latencies, 0.99),
    'max ms': quantile(latencies, 1),
    'main µs each': ((user + system) / count).toFixed(1),
    'process µs each': ((whole.user + whole.system) / count).toFixed(1),
    'loop max ms': (delay.max / 1e6).toFixed(1),
  })
}

/** Writers that each wait for one commit before the next. */
const closedLoop = (store: Store, key: (i: number) => string, value: Uint8Array) => async (note: (ms: number) => void) => {
  const until = performance.now() + seconds * 1000
  let next = 0
  const writer = async () => {
    while (performance.now() < until) {
      const began = performance.now()
      await store.commit({ key: key(next++), expect: 'any', value })
      note(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  return next
}

/** Commits at a fixed rate, whatever they take. */
const paced = (store: Store, perSecond: number, value: Uint8Array) => async (note: (ms: number) => void) => {
  const began = performance.now()
  const open: Promise<void>[] = []
  const one = async (i: number) => {
    const start = performance.now()
    await store.commit({ key: podKey(i % 20_000), expect: 'any', value })
    note(performance.now() - start)
  }
  for (let sent = 0; sent < perSecond * seconds; await env.sleep(1)) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - began) / 1000) * perSecond))
    for (; sent < due; sent += 1) open.push(one(sent))
  }
  await Promise.all(open)
  return open.length
}

const sizeMb = async (dir: string) => {
  let bytes = 0
  for (const name of await readdir(dir)) bytes += (await stat(join(dir, name))).size
  return Math.round(bytes / 1e6)
}

const anonymousMb = async () => {
  const { readFile } = await import('node:fs/promises')
  return Math.round(Number(/RssAnon:\s+(\d+)/.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024)
}

const withStore = async (name: string, act: (store: Store, dir: string) => Promise<void>) => {
  const dir = join(root, name)
  const store = await openDurableStore({ dir, env })
  await store.watch({ prefix: '/registry/', after: 0, withoutPrevious: true, deliver: () => undefined, ended: () => undefined })
  await act(store, dir)
  await store.close()
}

const load = async () => {
  await withStore('load', async (store, dir) => {
    const value = randomValue(2048)
    await measured(`create 2 KB, ${WRITERS} writers`, closedLoop(store, podKey, value))
    await measured(
      `update 2 KB, ${WRITERS} writers`,
      closedLoop(store, (i) => podKey(i % 20_000), value),
    )
    await measured('update 2 KB, paced 5,000/s', paced(store, 5_000, value))
    await measured('update 2 KB, paced 500/s', paced(store, 500, value))
    show('files', { MB: await sizeMb(dir) })
  })
  await withStore('leases', async (store, dir) => {
    await measured(
      `200 leases of 0.4 KB, ${WRITERS} writers`,
      closedLoop(store, (i) => `/registry/leases/n-${i % 200}`, randomValue(400)),
    )
    show('files', { MB: await sizeMb(dir) })
  })
}

const opening = async (rows: number) => {
  const dir = join(root, 'big')
  await withStore('big', async (store) => {
    const value = randomValue(3072)
    for (let i = 0; i < rows; i += 500)
      await Promise.all(Array.from({ length: 500 }, (_, j) => store.commit({ key: podKey(i + j), expect: 'absent', value })))
  })
  const before = await anonymousMb()
  let store: Store | undefined
  await measured(`open ${rows} rows of 3 KB`, async (note) => {
    const began = performance.now()
    store = await openDurableStore({ dir, env })
    note(performance.now() - began)
    return 1
  })
  show('memory', { 'RssAnon before MB': before, 'after MB': await anonymousMb() })
  await measured('range of all', async (note) => {
    const began = performance.now()
    const { rows: found } = (await store?.range({ prefix: '/registry/' })) ?? { rows: [] }
    note(performance.now() - began)
    return found.length
  })
  await store?.close()
}

try {
  await load()
  await opening(150_000)
} finally {
  await rm(root, { recursive: true })
}
