import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { podBody } from './pod.ts'

export interface Load {
  readonly url: string
  readonly token: string
  readonly connections: number
  readonly seconds: number
  /** Creates pods under names of their own instead of getting `url`. */
  readonly creates?: boolean
}
export interface Rate {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
}

const done = `
function done(s, l, r)
  local e = s.errors
  io.write(string.format("RESULT %d %.1f %.3f %.3f %d\\n", s.requests, s.requests / (s.duration / 1e6),
    l:percentile(50) / 1000, l:percentile(99) / 1000, e.status + e.timeout + e.connect + e.read + e.write))
end
`
const script = ({ token, creates }: Load, run: string): string => `
local count = 0
local head = { ["Authorization"] = "Bearer ${token}", ["Content-Type"] = "application/json" }
function request()
  ${creates ? `count = count + 1\n  return wrk.format("POST", nil, head, '${podBody(`p-${run}-`).replace(`p-${run}-`, `p-${run}-'..count..'`)}')` : 'return wrk.format("GET", nil, head)'}
end
${done}`

/** Runs wrk, one thread, and reads its figures. Each run needs a name of its own. */
export const drive = async (load: Load, dir: string, run: string): Promise<Rate> => {
  const file = join(dir, `${run}.lua`)
  writeFileSync(file, script(load, run))
  const { connections, seconds, url } = load
  const args = ['-t1', `-c${connections}`, `-d${seconds}`, '--timeout', '20', '-s', file, url]
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const out = await text(child.stdout)
  const figures = /^RESULT (.*)$/m.exec(out)?.[1]?.split(' ').map(Number)
  if (!figures) throw new Error(`wrk said nothing of use:\n${out}`)
  const [requests = 0, perSecond = 0, p50Ms = 0, p99Ms = 0, errors = 0] = figures
  return { requests, perSecond, p50Ms, p99Ms, errors }
}
