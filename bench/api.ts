/**
 * The API server under load: `node bench/api.ts [--seconds 6] [--pods 10000] [--most-pods 50000] [--only create,get] [--profile]
 * [--record]`. Starts a server of its own (no controllers, durable store, TLS, a service account's token, RBAC) and prints a line a case:
 * wrk over HTTP/1.1, h2load over HTTP/2 (the cases ending in `2`), many watchers beside a writer, and what `--most-pods` take of memory.
 * `floor` is a server of Node alone that answers as many bytes: what TLS and HTTP cost here. `--profile` adds where the server's main
 * thread spent its time. `--record` keeps the figures as the baseline.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { driveHttp2 } from './api/h2load.ts'
import type { Share } from './api/profile.ts'
import { drive, type Load } from './api/wrk.ts'
import { cpuMicrosOf, memoryMbOf, spawnServer } from './server-process.ts'

const cases = 'floor,create,get,list500,list10000,list10000consistent,create2,get2,list500-2,watch,memory'
const { values: given } = parseArgs({
  options: {
    seconds: { type: 'string', default: '6' },
    pods: { type: 'string', default: '10000' },
    'most-pods': { type: 'string', default: '50000' },
    watchers: { type: 'string', default: '1000' },
    'node-options': { type: 'string', default: '' },
    only: { type: 'string', default: cases },
    profile: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
})
const seconds = Number(given.seconds)
const only = new Set(given.only.split(','))
if (spawnSync('wrk', ['-v']).error) throw new Error('wrk is needed (Debian: apt-get install wrk)')
const hasHttp2 = !spawnSync('h2load', ['--version']).error
if (!hasHttp2) console.log('HTTP/2 is left out: h2load is needed (Debian: apt-get install nghttp2-client)')

const dir = mkdtempSync(join(tmpdir(), 'skiff-api-bench-'))
const nodeOptions = given['node-options'].split(' ').filter(Boolean)
const { server, ended, nextLine } = spawnServer([...nodeOptions, join(import.meta.dirname, 'api/server.ts'), dir])
const results: Record<string, unknown> = {}

const memoryMb = (field: 'RssAnon' | 'VmRSS'): number => memoryMbOf(server.pid, field)
const cpuMicros = (): number => cpuMicrosOf(server.pid)
const rounded = (value: number): number => Number(value.toPrecision(4))

/** Runs `act` and tells what it took of the server, and where, if asked. */
const measured = async <T>(act: () => Promise<T>): Promise<{ out: T; micros: number; profile?: readonly Share[] }> => {
  const toggle = async () => {
    server.stdin.write('\n')
    return nextLine()
  }
  if (given.profile) await toggle()
  const before = cpuMicros()
  const out = await act()
  const micros = cpuMicros() - before
  return given.profile ? { out, micros, profile: (await toggle()) as readonly Share[] } : { out, micros }
}
const printProfile = (profile: readonly Share[] | undefined): void => {
  for (const { name, percent } of profile ?? []) console.log(`    ${percent.toFixed(1).padStart(5)} %  ${name}`)
}

/** One case under a load generator. */
const run = async (name: string, load: Omit<Load, 'seconds'>, by: typeof drive = drive): Promise<void> => {
  if (!only.has(name) || (by === driveHttp2 && !hasHttp2)) return
  const { out, micros, profile } = await measured(() => by({ seconds, ...load }, dir, name))
  const { perSecond, p50Ms, p99Ms, errors, requests } = out
  const cpu = micros / requests
  results[name] = { perSecond: rounded(perSecond), p50Ms, p99Ms, cpuMicros: rounded(cpu), errors, ...(profile ? { profile } : {}) }
  console.log(
    `${name.padEnd(20)} ${perSecond.toFixed(0).padStart(6)}/s · p50 ${p50Ms} ms · p99 ${p99Ms} ms · server CPU ${cpu.toFixed(1)} µs each · errors ${errors} · RssAnon ${memoryMb('RssAnon')} MB`,
  )
  printProfile(profile)
}

/** Gets and creates against Node alone. */
const floor = async (token: string): Promise<void> => {
  const plain = spawn(process.execPath, [join(import.meta.dirname, 'api/floor.ts'), join(dir, 'pki'), '2000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await createInterface({ input: plain.stdout })[Symbol.asyncIterator]().next()
  const url = `https://127.0.0.1:${(JSON.parse(String(line.value)) as { port: number }).port}/`
  const rates: Record<string, number> = {}
  for (const creates of [true, false]) {
    const load = { token, url, connections: 32, seconds: Math.min(seconds, 4), creates }
    const { perSecond, p50Ms } = await drive(load, dir, `floor-${creates}`)
    rates[creates ? 'create' : 'get'] = rounded(perSecond)
    console.log(`floor ${(creates ? 'create' : 'get').padEnd(14)} ${perSecond.toFixed(0).padStart(6)}/s · p50 ${p50Ms} ms`)
  }
  results.floor = rates
  plain.kill('SIGTERM')
}

const watchers = async (port: number, token: string): Promise<void> => {
  const options = { port, token, watchers: Number(given.watchers), writesPerSecond: 100, seconds: Math.max(seconds, 10) }
  const { out, micros, profile } = await measured(async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'api/watchers.ts'), JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return JSON.parse(await text(child.stdout)) as { p50Ms: number; p99Ms: number; maxMs: number; deliveries: number; missing: number }
  })
  const { p50Ms, p99Ms, maxMs, deliveries, missing } = out
  const cpu = micros / deliveries
  results.watch = { watchers: options.watchers, writesPerSecond: 100, p50Ms, p99Ms, maxMs, missing, cpuMicros: rounded(cpu) }
  console.log(
    `${'watch'.padEnd(20)} ${options.watchers} watchers, 100 writes/s · acknowledged to delivered p50 ${p50Ms} ms · p99 ${p99Ms} ms · most ${maxMs} ms · missing ${missing} · server CPU ${cpu.toFixed(1)} µs each`,
  )
  printProfile(profile)
}

const main = async (): Promise<void> => {
  const { port, token, readyMs } = (await nextLine()) as { port: number; token: string; readyMs: number }
  const pods = `https://127.0.0.1:${port}/api/v1/namespaces/bench/pods`
  results.readyMs = readyMs
  results.idleMb = memoryMb('RssAnon')
  console.log(`ready ${readyMs} ms · idle ${results.idleMb} MB RssAnon`)
  const count = (): Promise<number> =>
    new Promise((resolve, reject) => {
      get(`${pods}?limit=1`, { rejectUnauthorized: false, headers: { authorization: `Bearer ${token}` } }, async (answer) => {
        const list = JSON.parse(await text(answer)) as { items: unknown[]; metadata: { remainingItemCount?: number } }
        resolve(list.items.length + (list.metadata.remainingItemCount ?? 0))
      }).on('error', reject)
    })
  const fillTo = async (wanted: number): Promise<number> => {
    for (let more = 0; ; more++) {
      const there = await count()
      if (there >= wanted) return there
      await drive({ token, url: pods, connections: 32, creates: true, seconds: 1 }, dir, `fill${wanted}-${more}`)
    }
  }
  const load = { token, url: pods, connections: 32 }
  if (only.has('floor')) await floor(token)
  results.pods = await fillTo(Number(given.pods))
  results.loadedMb = memoryMb('RssAnon')
  console.log(`${results.pods} pods · RssAnon ${results.loadedMb} MB`)
  const one = `${pods}/p-fill${given.pods}-0-9`
  await run('get', { ...load, url: one })
  await run('get2', { ...load, url: one }, driveHttp2)
  await run('list500', { ...load, url: `${pods}?limit=500`, connections: 4 })
  await run('list500-2', { ...load, url: `${pods}?limit=500`, connections: 4 }, driveHttp2)
  await run('list10000', { ...load, url: `${pods}?limit=10000&resourceVersion=0`, connections: 1 })
  await run('list10000consistent', { ...load, url: `${pods}?limit=10000`, connections: 1 })
  results.afterMb = memoryMb('RssAnon')
  console.log(`after reads: RssAnon ${results.afterMb} MB`)
  await run('create', { ...load, creates: true })
  await run('create2', { ...load, creates: true }, driveHttp2)
  if (only.has('watch')) await watchers(port, token)
  if (only.has('memory')) {
    const most = await fillTo(Number(given['most-pods']))
    results.most = { pods: most, anonymousMb: memoryMb('RssAnon'), residentMb: memoryMb('VmRSS') }
    console.log(`memory               ${most} pods · RssAnon ${memoryMb('RssAnon')} MB · resident ${memoryMb('VmRSS')} MB`)
  }
  if (!given.record) return
  const file = join(import.meta.dirname, 'baselines/api.json')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, ...results }, null, 2)}\n`)
}

try {
  await main()
} finally {
  server.kill('SIGTERM')
  await ended
  rmSync(dir, { recursive: true, force: true })
}
