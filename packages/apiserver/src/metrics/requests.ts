import type { Call } from '@skiff/client'
import { createHistogram, type Family, type Histogram, type MetricLabels as Labels } from '@skiff/machinery'

/** What is counted of requests: upstream's apiserver_request_total and apiserver_request_duration_seconds. */
export interface RequestMetrics {
  /** Notes a request that was answered. `call` is absent for paths that name no resource, whose method then counts. */
  note(call: Call | undefined, method: string, status: number, ms: number): void
  families(): readonly Family[]
}

const bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
/** Names come from clients: resources that nobody serves must not make new rows without end. */
const mostRows = 5000

const verbs: Readonly<Record<Call['verb'], string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
  connect: 'CONNECT',
}

interface Row {
  readonly labels: Labels
  readonly durations: Histogram
  readonly byStatus: Map<number, number>
}

export const createRequestMetrics = (): RequestMetrics => {
  const rows = new Map<string, Row>()
  const rowOf = (call: Call | undefined, method: string): Row | undefined => {
    const key = call ? keyOf(call) : method
    const known = rows.get(key)
    if (known || rows.size >= mostRows) return known
    const made: Row = { labels: labelsOf(call, method), durations: createHistogram(bounds), byStatus: new Map() }
    rows.set(key, made)
    return made
  }
  return {
    note: (call, method, status, ms) => {
      const row = rowOf(call, method)
      if (!row) return
      row.byStatus.set(status, (row.byStatus.get(status) ?? 0) + 1)
      // How long a watch lasted says nothing of how fast it was answered.
      if (call?.verb !== 'watch' && call?.verb !== 'connect') row.durations.observe(ms / 1000)
    },
    families: () => [
      {
        name: 'apiserver_request_total',
        help: 'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
        type: 'counter',
        samples: [...rows.values()].flatMap(({ labels, byStatus }) =>
          [...byStatus].map(([status, value]) => ({ labels: [['code', String(status)], ...labels] as Labels, value })),
        ),
      },
      {
        name: 'apiserver_request_duration_seconds',
        help: 'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
        type: 'histogram',
        samples: [...rows.values()].flatMap(({ labels, durations }) => [...durations.samples(labels)]),
      },
    ],
  }
}

const isDryRun = ({ query }: Call): boolean => query.dryRun !== undefined
const verbOf = (call: Call): string => {
  const { verb, body } = call
  return verb === 'patch' && body && 'contentType' in body && body.contentType?.startsWith('application/apply-patch')
    ? 'APPLY'
    : verbs[verb]
}
/** Where a request works: on one object, within a namespace, or over the cluster. */
const scopeOf = ({ name, verb, namespace }: Call): string =>
  name !== undefined || verb === 'create' ? 'resource' : namespace !== undefined ? 'namespace' : 'cluster'

const keyOf = (call: Call): string =>
  `${verbOf(call)} ${call.group} ${call.version} ${call.resource} ${call.subresource ?? ''} ${scopeOf(call)}${isDryRun(call) ? ' dry' : ''}`

const labelsOf = (call: Call | undefined, method: string): Labels => [
  ['component', 'apiserver'],
  ['dry_run', call && isDryRun(call) ? 'All' : ''],
  ['group', call?.group ?? ''],
  ['resource', call?.resource ?? ''],
  ['scope', call ? scopeOf(call) : ''],
  ['subresource', call?.subresource ?? ''],
  ['verb', call ? verbOf(call) : method],
  ['version', call?.version ?? ''],
]
