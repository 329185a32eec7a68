import v8 from 'node:v8'
import vm from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'
import { createSession } from './session.ts'
import { targets } from './targets.ts'

/** What the watcher sees of this thread: how many inputs were begun, and the one under way with its length. */
export interface Shared {
  readonly begun: Int32Array<SharedArrayBuffer>
  readonly input: Uint8Array<SharedArrayBuffer>
}
export interface WorkerData extends Shared {
  readonly name: string
  readonly seed: number
  readonly ms: number
}
export interface Report {
  readonly inputs: number
  readonly kept: number
  readonly slowestMs: number
  readonly warmBytes: number
  readonly endBytes: number
  readonly fault?: string
}

/** CPU time of one input above which it counts as hung. Above `longMs` of wall time the CPU is asked at all. */
const budgetMs = 1500
const longMs = 200

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc') as () => void
const heapBytes = (): number => {
  collect()
  collect()
  return v8.getHeapStatistics().used_heap_size
}

const { name, seed, ms, begun, input: shared } = workerData as WorkerData
const target = targets.find((each) => each.name === name)
if (!target) throw new Error(`no target ${name}`)

const run = (): Report => {
  const session = createSession(target, seed)
  const startMs = performance.now()
  let inputs = 0
  let slowestMs = 0
  let warmBytes = 0
  const cpuMs = (): number => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let lastCpuMs = cpuMs()
  const done = (fault?: string): Report => ({
    inputs,
    kept: session.kept,
    slowestMs: Math.round(slowestMs),
    warmBytes,
    endBytes: heapBytes(),
    ...(fault === undefined ? {} : { fault }),
  })
  for (;;) {
    const beforeMs = performance.now()
    if (beforeMs - startMs > ms) return done()
    try {
      session.step((input) => {
        shared.set(input)
        Atomics.store(begun, 1, input.length)
        Atomics.store(begun, 0, ++inputs)
      })
    } catch (error) {
      return done(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    const tookMs = performance.now() - beforeMs
    const nowCpuMs = tookMs > longMs || inputs % 256 === 0 ? cpuMs() : lastCpuMs
    if (tookMs > longMs) {
      slowestMs = Math.max(slowestMs, Math.min(tookMs, nowCpuMs - lastCpuMs))
      if (tookMs > budgetMs && nowCpuMs - lastCpuMs > budgetMs) return done(`one input took ${Math.round(tookMs)} ms`)
    } else slowestMs = Math.max(slowestMs, Math.min(tookMs, longMs))
    lastCpuMs = nowCpuMs
    // Caches and the corpus are full by then.
    if (warmBytes === 0 && performance.now() - startMs > ms * 0.4) warmBytes = heapBytes()
  }
}

parentPort?.postMessage(run())
