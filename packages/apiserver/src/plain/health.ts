import type { Env } from '@skiff/machinery'
import { writeValue } from '../serve/answer.ts'
import type { PlainRoute } from '../serve/http.ts'

/** One thing that must hold for the server to be healthy or ready; answers a sentence when it does not. */
export interface HealthCheck {
  readonly name: string
  readonly check: () => string | undefined | Promise<string | undefined>
}

/** /healthz, /livez, /readyz: `ok`, or every check with its result when asked by ?verbose or when one fails. */
export const healthRoute =
  (path: 'healthz' | 'livez' | 'readyz', checks: readonly HealthCheck[]): PlainRoute =>
  async ({ incoming, outgoing, target }) => {
    const one = target.path.split('/')[2]
    const excluded = [target.query.exclude ?? []].flat()
    const asked = checks.filter((each) => (one ? each.name === one : !excluded.includes(each.name)))
    if (one && asked.length === 0) return text(incoming, outgoing, 404, '404 page not found\n')
    const results = await Promise.all(asked.map(async ({ name, check }) => ({ name, fault: await check() })))
    const failed = results.filter((each) => each.fault !== undefined)
    if (failed.length === 0 && target.query.verbose === undefined) return text(incoming, outgoing, 200, 'ok')
    const lines = results.map((each) => (each.fault === undefined ? `[+]${each.name} ok\n` : `[-]${each.name} failed: reason withheld\n`))
    if (failed.length > 0) return text(incoming, outgoing, 500, `${lines.join('')}${path} check failed\n`)
    return text(incoming, outgoing, 200, `${lines.join('')}${path} check passed\n`)
  }

const storeMs = 2_000

/** The store answers, in time; upstream's name for it is `etcd`. */
export const storeCheck = (read: () => Promise<unknown>, env: Env): HealthCheck => ({
  name: 'etcd',
  check: async () => {
    const done = new AbortController()
    const answered = read().then(
      () => undefined,
      (error: unknown) => String(error),
    )
    try {
      return await Promise.race([answered, env.sleep(storeMs, done.signal).then(() => 'the store does not answer')])
    } finally {
      done.abort()
    }
  },
})

const text = (
  incoming: Parameters<PlainRoute>[0]['incoming'],
  outgoing: Parameters<PlainRoute>[0]['outgoing'],
  status: number,
  body: string,
) =>
  writeValue(incoming, outgoing, {
    status,
    bytes: Buffer.from(body),
    contentType: 'text/plain; charset=utf-8',
    headers: { 'x-content-type-options': 'nosniff' },
  })
