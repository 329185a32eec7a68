import type { Env } from '@skiff/machinery'
import { writeValue } from '../serve/answer.ts'
import type { PlainRoute } from '../serve/http.ts'

/** One thing that must hold for the server to be healthy or ready; answers a sentence when it does not. */
export interface HealthCheck {
  readonly name: string
  readonly check: () => string | undefined | Promise<string | undefined>
}

/** /healthz, /livez, /readyz: `ok`, or every check with its result when asked by ?verbose or when one fails. A check has a path of its own. */
export const healthRoute =
  (path: 'healthz' | 'livez' | 'readyz', checks: readonly HealthCheck[]): PlainRoute =>
  async ({ incoming, outgoing, target }) => {
    const one = target.path.slice(path.length + 2)
    if (one !== '') return answerOne(checks, one, incoming, outgoing)
    const excluded = new Set([target.query.exclude ?? []].flat())
    const lines = await Promise.all(
      checks.map(async ({ name, check }) => {
        if (excluded.delete(name)) return `[+]${name} excluded: ok\n`
        return (await check()) === undefined ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`
      }),
    )
    if (excluded.size > 0) {
      const names = [...excluded].map((name) => JSON.stringify(name)).join(', ')
      lines.push(`warn: some health checks cannot be excluded: no matches for ${names}\n`)
    }
    const failed = lines.some((line) => line.startsWith('[-]'))
    if (failed) return text(incoming, outgoing, 500, `${lines.join('')}${path} check failed\n`)
    if (target.query.verbose === undefined) return text(incoming, outgoing, 200, 'ok')
    return text(incoming, outgoing, 200, `${lines.join('')}${path} check passed\n`)
  }

const answerOne = async (
  checks: readonly HealthCheck[],
  one: string,
  incoming: Parameters<PlainRoute>[0]['incoming'],
  outgoing: Parameters<PlainRoute>[0]['outgoing'],
): Promise<void> => {
  const found = checks.find(({ name }) => name === one)
  if (!found) return text(incoming, outgoing, 404, '404 page not found\n')
  const fault = await found.check()
  return fault === undefined ? text(incoming, outgoing, 200, 'ok') : text(incoming, outgoing, 500, `internal server error: ${fault}\n`)
}

const holds = () => undefined
const started = (name: string): HealthCheck => ({ name: `poststarthook/${name}`, check: holds })

/** What upstream's server does before it is ready, in its order. This one listens only when all of that is done. */
const startup: readonly HealthCheck[] = [
  ...[
    'start-apiserver-admission-initializer',
    'generic-apiserver-start-informers',
    'priority-and-fairness-config-consumer',
    'priority-and-fairness-filter',
    'storage-object-count-tracker-hook',
    'start-apiextensions-informers',
    'start-apiextensions-controllers',
    'crd-informer-synced',
    'start-system-namespaces-controller',
    'start-cluster-authentication-info-controller',
    'start-kube-apiserver-identity-lease-controller',
    'start-kube-apiserver-identity-lease-garbage-collector',
    'start-legacy-token-tracking-controller',
    'start-service-ip-repair-controllers',
    'rbac/bootstrap-roles',
    'scheduling/bootstrap-system-priority-classes',
    'priority-and-fairness-config-producer',
    'bootstrap-controller',
    'start-kubernetes-service-cidr-controller',
    'aggregator-reload-proxy-client-cert',
    'start-kube-aggregator-informers',
    'apiservice-status-local-available-controller',
    'apiservice-status-remote-available-controller',
    'apiservice-registration-controller',
    'apiservice-discovery-controller',
    'kube-apiserver-autoregistration',
  ].map(started),
  { name: 'autoregister-completion', check: holds },
  ...['apiservice-openapi-controller', 'apiservice-openapiv3-controller'].map(started),
]

/** The checks of a path under upstream's names. */
export const healthChecks = (path: 'healthz' | 'livez' | 'readyz', store: HealthCheck): readonly HealthCheck[] => [
  { name: 'ping', check: holds },
  { name: 'log', check: holds },
  store,
  ...(path === 'readyz'
    ? [
        { name: 'etcd-readiness', check: store.check },
        { name: 'informer-sync', check: holds },
      ]
    : []),
  ...startup,
  ...(path === 'readyz' ? [{ name: 'shutdown', check: holds }] : []),
]

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

const text = async (
  incoming: Parameters<PlainRoute>[0]['incoming'],
  outgoing: Parameters<PlainRoute>[0]['outgoing'],
  status: number,
  body: string,
): Promise<void> =>
  writeValue(incoming, outgoing, {
    status,
    bytes: Buffer.from(body),
    contentType: 'text/plain; charset=utf-8',
    headers: { 'x-content-type-options': 'nosniff' },
  })
