/**
 * The API server under wrk: `node bench/api.ts [--seconds 6] [--pods 10000] [--node-options="--cpu-prof …"] [--only create,get]
 * [--record]`. Starts a server of its own
 * (no controllers, durable store, TLS, a service account's token, RBAC) and prints a line a case. `floor` is a server of Node alone that
 * answers as many bytes: what TLS and HTTP cost here. `--record` keeps the figures as the baseline.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { drive, type Load } from './api/wrk.ts'

const { values: given } = parseArgs({
  options: {
    seconds: { type: 'string', default: '6' },
    pods: { type: 'string', default: '10000' },
    'node-options': { type: 'string', default: '' },
    only: { type: 'string', default: 'floor,create,get,list500,list10000,list10000consistent' },
    record: { type: 'boolean', default: false },
  },
})
const seconds = Number(given.seconds)
const only = new Set(given.only.split(','))
if (spawnSync('wrk', ['-v']).error) throw new Error('wrk is needed (Debian: apt-get install wrk)')

const dir = mkdtempSync(join(tmpdir(), 'skiff-api-bench-'))
const server = spawn(
  process.execPath,
  [...given['node-options'].split(' ').filter(Boolean), join(import.meta.dirname, 'api/server.ts'), dir],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
)
const ended = new Promise((resolve) => server.once('exit', resolve))

const anonymousMb = (): number =>
  Math.round(Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)
/** User and system time of the server's threads so far, in microseconds. A tick is 10 ms on every Linux in use. */
const cpuMicros = (): number => {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
const rounded = (value: number): number => Number(value.toPrecision(4))

/** Gets and creates against Node alone. */
const floor = async (token: string, results: Record<string, unknown>): Promise<void> => {
  const plain = spawn(process.execPath, [join(import.meta.dirname, 'api/floor.ts'), join(dir, 'pki'), '2000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await createInterface({ input: plain.stdout })[Symbol.asyncIterator]().next()
  const url = `https://127.0.0.1:${(JSON.parse(String(line.value)) as { port: number }).port}/`
  const rates: Record<string, number> = {}
  for (const creates of [true, false]) {
    const { perSecond, p50Ms } = await drive(
      { token, url, connections: 32, seconds: Math.min(seconds, 4), creates },
      dir,
      `floor-${creates}`,
    )
    rates[creates ? 'create' : 'get'] = rounded(perSecond)
    console.log(`floor ${(creates ? 'create' : 'get').padEnd(14)} ${perSecond.toFixed(0).padStart(6)}/s · p50 ${p50Ms} ms`)
  }
  results.floor = rates
  plain.kill('SIGTERM')
}

const main = async (): Promise<void> => {
  const lines = createInterface({ input: server.stdout })
  const first = await lines[Symbol.asyncIterator]().next()
  if (first.done) throw new Error('the server ended before it served')
  const { port, token, readyMs } = JSON.parse(first.value) as { port: number; token: string; readyMs: number }
  const pods = `https://127.0.0.1:${port}/api/v1/namespaces/bench/pods`
  const results: Record<string, unknown> = { readyMs, idleMb: anonymousMb() }
  console.log(`ready ${readyMs} ms · idle ${results.idleMb} MB RssAnon`)
  const run = async (name: string, load: Omit<Load, 'token' | 'seconds'> & { readonly seconds?: number }): Promise<void> => {
    if (!only.has(name)) return
    const before = cpuMicros()
    const rate = await drive({ token, seconds, ...load }, dir, name)
    const cpu = (cpuMicros() - before) / rate.requests
    results[name] = {
      perSecond: rounded(rate.perSecond),
      p50Ms: rate.p50Ms,
      p99Ms: rate.p99Ms,
      cpuMicros: rounded(cpu),
      errors: rate.errors,
    }
    const { perSecond, p50Ms, p99Ms, errors } = rate
    console.log(
      `${name.padEnd(20)} ${perSecond.toFixed(0).padStart(6)}/s · p50 ${p50Ms} ms · p99 ${p99Ms} ms · server CPU ${cpu.toFixed(1)} µs each · errors ${errors} · RssAnon ${anonymousMb()} MB`,
    )
  }
  const listed = async (query: string): Promise<number> => {
    const { get } = await import('node:https')
    return new Promise((resolve, reject) => {
      get(`${pods}?${query}`, { rejectUnauthorized: false, headers: { authorization: `Bearer ${token}` } }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => {
          const body = Buffer.concat(chunks).toString()
          if (answer.statusCode === 200) resolve((JSON.parse(body) as { items: unknown[] }).items.length)
          else reject(new Error(`the list was refused: ${body}`))
        })
      }).on('error', reject)
    })
  }
  if (only.has('floor')) await floor(token, results)
  await run('create', { url: pods, connections: 32, creates: true })
  let count = await listed('')
  for (let more = 0; count < Number(given.pods); more++) {
    await drive({ token, url: pods, connections: 32, creates: true, seconds: 1 }, dir, `fill${more}`)
    count = await listed('')
  }
  results.pods = count
  results.loadedMb = anonymousMb()
  console.log(`${count} pods · RssAnon ${results.loadedMb} MB`)
  await run('get', { url: `${pods}/p-create-9`, connections: 32 })
  await run('list500', { url: `${pods}?limit=500`, connections: 4 })
  await run('list10000', { url: `${pods}?limit=10000&resourceVersion=0`, connections: 1 })
  await run('list10000consistent', { url: `${pods}?limit=10000`, connections: 1 })
  results.afterMb = anonymousMb()
  console.log(`after all: RssAnon ${results.afterMb} MB`)
  if (!given.record) return
  const file = join(import.meta.dirname, 'baselines/api.json')
  writeFileSync(file, `${JSON.stringify({ cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, ...results }, null, 2)}\n`)
}

try {
  await main()
} finally {
  server.kill('SIGTERM')
  await ended
  rmSync(dir, { recursive: true, force: true })
}
