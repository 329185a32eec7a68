/**
 * Fuzzing: `node scripts/fuzz.ts [--target NAME[,NAME]] [--minutes N] [--seed S]`, or `--replay FILE --target NAME`. Without a target, all of
 * them one after the other. An input that broke something is written to `fuzz-NAME-SEED.bin` in the directory for temporary files.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { maxInputBytes } from './fuzz/session.ts'
import { targets } from './fuzz/targets.ts'
import type { Report, WorkerData } from './fuzz/worker.ts'

/** Wall time without a new input after which a worker counts as hung; its own budget of CPU time is far below. */
const hungMs = 60_000
/** What the heap may be larger by at the end than when caches had filled. */
const growthBytes = 24 * 1024 * 1024

const runTarget = async (name: string, minutes: number, seed: number): Promise<boolean> => {
  const begun = new Int32Array(new SharedArrayBuffer(8))
  const input = new Uint8Array(new SharedArrayBuffer(maxInputBytes))
  const workerData: WorkerData = { name, seed, ms: minutes * 60_000, begun, input }
  const worker = new Worker(new URL('./fuzz/worker.ts', import.meta.url), {
    workerData,
    // The main thread's stack, where the server decodes.
    resourceLimits: { stackSizeMb: 1, maxOldGenerationSizeMb: 1024 },
  })
  let seen = -1
  let hung = false
  const watcher = setInterval(() => {
    const now = Atomics.load(begun, 0)
    hung = now === seen && now > 0
    seen = now
    if (hung) void worker.terminate()
  }, hungMs)
  const report = await new Promise<Report | string>((resolve) => {
    worker.on('message', resolve)
    worker.on('error', (error) => resolve(`the worker died: ${error.stack ?? error.message}`))
    worker.on('exit', () => resolve(hung ? `hung in input ${seen}` : 'the worker ended'))
  })
  clearInterval(watcher)
  await worker.terminate()
  const fault = typeof report === 'string' ? report : (report.fault ?? growthOf(report))
  if (typeof report !== 'string')
    console.log(
      `${name.padEnd(24)} ${report.inputs} inputs, ${report.kept} kept, slowest ${report.slowestMs} ms, heap ${mb(report.warmBytes)} -> ${mb(report.endBytes)} MB`,
    )
  if (fault === undefined) return true
  const file = join(tmpdir(), `fuzz-${name}-${seed}.bin`)
  writeFileSync(file, input.slice(0, Atomics.load(begun, 1)))
  console.error(`${name}: ${fault}\n  input: ${file}`)
  return false
}

const mb = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)
const growthOf = ({ warmBytes, endBytes }: Report): string | undefined =>
  warmBytes > 0 && endBytes > warmBytes + growthBytes ? `the heap grew from ${mb(warmBytes)} to ${mb(endBytes)} MB` : undefined

const { values: given } = parseArgs({
  options: {
    target: { type: 'string', default: targets.map(({ name }) => name).join(',') },
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    replay: { type: 'string' },
  },
})

const names = given.target.split(',')
for (const name of names)
  if (!targets.some((each) => each.name === name))
    throw new Error(`no target ${name}; there are ${targets.map((each) => each.name).join(', ')}`)

if (given.replay !== undefined) {
  for (const target of targets.filter(({ name }) => names.includes(name))) console.log(target.run(readFileSync(given.replay)))
} else {
  let held = true
  for (const name of names) held = (await runTarget(name, Number(given.minutes), Number(given.seed))) && held
  process.exitCode = held ? 0 : 1
}
