/**
 * The workloads of upstream's scheduler_perf: `node bench/scheduler-perf.ts [--only Basic,Affinity] [--store memory] [--record]`. Each in
 * a process of its own, with the API server (durable store), the scheduler and the creator of the pods within it. Prints pods/s from the
 * first creation of a measured pod to the last binding, beside upstream's threshold, and what the main thread took for each.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cases } from './scheduling/cases.ts'

const { values: given } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    store: { type: 'string', default: 'durable' },
    record: { type: 'boolean', default: false },
    'node-options': { type: 'string', default: '' },
  },
})
const wanted = given.only.split(',')
const baseline = join(import.meta.dirname, 'baselines/scheduler-perf.json')
const results: Record<string, unknown> = {}
for (const name of Object.keys(cases).filter((each) => wanted.some((part) => each.includes(part)))) {
  const script = join(import.meta.dirname, 'scheduling/run.ts')
  const { stdout, status } = spawnSync(process.execPath, [...given['node-options'].split(' ').filter(Boolean), script, name, given.store], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${name} failed`)
  const { podsPerSecond, micros, p99Ms, rssMb } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  const { threshold } = cases[name] as { threshold?: number }
  const times = threshold ? ` · ${(podsPerSecond / threshold).toFixed(1)} × upstream's ${threshold}` : ''
  console.log(
    `${name.padEnd(54)} ${String(podsPerSecond).padStart(6)} pods/s${times} · main thread ${micros} µs a pod · create to bound p99 ${p99Ms} ms · ${rssMb} MB`,
  )
  results[name] = { podsPerSecond, threshold, micros, p99Ms, rssMb }
}
if (given.record) {
  mkdirSync(join(baseline, '..'), { recursive: true })
  let before: object = {}
  try {
    before = JSON.parse(readFileSync(baseline, 'utf8')).cases
  } catch {
    // The first record.
  }
  const machine = { cpu: cpus()[0]?.model.trim(), cores: cpus().length, node: process.version, store: given.store }
  writeFileSync(baseline, `${JSON.stringify({ ...machine, cases: { ...before, ...results } }, null, 2)}\n`)
}
