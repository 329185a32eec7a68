import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { generatedPodBody } from './pod.ts'
import type { Load, Rate } from './wrk.ts'

/** Runs h2load: as many requests in flight as `connections` says, eight a connection, as client-go's share one. */
export const driveHttp2 = async (load: Load, dir: string, run: string): Promise<Rate> => {
  const { connections, seconds, token, url, creates } = load
  const streams = Math.min(8, connections)
  const log = join(dir, `${run}.h2.log`)
  const args = [
    '-t1',
    `-c${connections / streams}`,
    `-m${streams}`,
    `-D${seconds}`,
    `--log-file=${log}`,
    '-H',
    `authorization: Bearer ${token}`,
  ]
  if (creates) {
    const body = join(dir, `${run}.json`)
    writeFileSync(body, generatedPodBody)
    args.push('-d', body, '-H', 'content-type: application/json')
  }
  const child = spawn('h2load', [...args, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  const out = await text(child.stdout)
  const [, done, good] = /requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded/.exec(out) ?? []
  if (done === undefined) throw new Error(`h2load said nothing of use:\n${out}`)
  // Start, status and microseconds of each request.
  const times = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => Number(line.split('\t')[2]))
  times.sort((a, b) => a - b)
  const share = (part: number): number => Number(((times[Math.floor(times.length * part)] ?? 0) / 1000).toFixed(3))
  return {
    requests: Number(done),
    perSecond: Number(done) / seconds,
    p50Ms: share(0.5),
    p99Ms: share(0.99),
    errors: Number(done) - Number(good),
  }
}
