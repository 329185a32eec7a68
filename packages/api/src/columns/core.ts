import type {
  ComponentStatus,
  Endpoints,
  Event,
  EventsV1Event,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  ResourceQuota,
  Service,
} from '../generated/types.ts'
import { cells } from './column.ts'
import { accessModesText, age, balancerAddresses, conditionOf, firstThree } from './texts.ts'

export const componentStatusCells = cells<ComponentStatus>({
  Status: ({ conditions }) => {
    const healthy = conditionOf(conditions, 'Healthy')
    return healthy ? (healthy.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown'
  },
  Message: ({ conditions }) => conditionOf(conditions, 'Healthy')?.message ?? '',
  Error: ({ conditions }) => conditionOf(conditions, 'Healthy')?.error ?? '',
})

const hostPort = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)
export const endpointsCells = cells<Endpoints>({
  Endpoints: ({ subsets }) => {
    const all = (subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
      ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => hostPort(ip, port))),
    )
    return firstThree(all, '<none>')
  },
})

/** An event of either group: the newer one keeps the older one's fields under other names. */
type AnyEvent = Event & EventsV1Event
const firstSeen = (event: AnyEvent, nowMs: number): string =>
  age(event.firstTimestamp ?? event.deprecatedFirstTimestamp ?? event.eventTime, nowMs)

export const eventCells = cells<AnyEvent>({
  'Last Seen': (event, nowMs) => {
    if (event.series) return age(event.series.lastObservedTime, nowMs)
    const last = event.lastTimestamp ?? event.deprecatedLastTimestamp
    return last ? age(last, nowMs) : firstSeen(event, nowMs)
  },
  Object: ({ involvedObject, regarding }) => {
    const { kind = '', name } = involvedObject ?? regarding ?? {}
    return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()
  },
  Subobject: ({ involvedObject, regarding }) => (involvedObject ?? regarding)?.fieldPath ?? '',
  Source: (event) => {
    const source = event.source ?? event.deprecatedSource
    const component = source?.component || event.reportingComponent || event.reportingController || ''
    const instance = source?.host || event.reportingInstance || ''
    return instance ? `${component}, ${instance}` : component
  },
  Message: ({ message, note }) => (message ?? note ?? '').trim(),
  'First Seen': firstSeen,
  Count: ({ series, count, deprecatedCount }) => (series ? series.count : count || deprecatedCount || 1),
})

const rolePrefix = 'node-role.kubernetes.io/'
const addressOf = (type: string) => (node: Node) => node.status?.addresses?.find((each) => each.type === type)?.address ?? '<none>'
export const nodeCells = cells<Node>({
  Status: ({ spec, status }) => {
    const ready = conditionOf(status?.conditions, 'Ready')
    const text = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'
    return spec.unschedulable ? `${text},SchedulingDisabled` : text
  },
  Roles: ({ metadata }) => {
    const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
      const role = key.startsWith(rolePrefix) ? key.slice(rolePrefix.length) : key === 'kubernetes.io/role' ? value : ''
      return role === '' ? [] : [role]
    })
    return [...new Set(roles)].sort().join(',') || '<none>'
  },
  'Internal-IP': addressOf('InternalIP'),
  'External-IP': addressOf('ExternalIP'),
})

const classAnnotation = 'volume.beta.kubernetes.io/storage-class'
type Claimed = PersistentVolume | PersistentVolumeClaim
const storageClass = ({ metadata, spec }: Claimed): string =>
  metadata.annotations?.[classAnnotation] ?? (spec as { storageClassName?: string }).storageClassName ?? ''
const phase = ({ metadata, status }: Claimed): string => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''))

export const persistentVolumeCells = cells<PersistentVolume>({
  Status: phase,
  StorageClass: storageClass,
  Claim: ({ spec }) => (spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : ''),
})
export const persistentVolumeClaimCells = cells<PersistentVolumeClaim>({
  Status: phase,
  StorageClass: storageClass,
  Capacity: ({ spec, status }) => (spec.volumeName ? (status?.capacity?.storage ?? '0') : ''),
  'Access Modes': ({ spec, status }) => (spec.volumeName ? accessModesText(status?.accessModes) : ''),
})

const quotaText =
  (limits: boolean) =>
  ({ status }: ResourceQuota): string =>
    Object.keys(status?.hard ?? {})
      .filter((name) => name.startsWith('limits.') === limits)
      .sort()
      .map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name]}`)
      .join(', ')
export const resourceQuotaCells = cells<ResourceQuota>({ Request: quotaText(false), Limit: quotaText(true) })

const externalAddresses = ({ spec, status }: Service): string => {
  const own = spec.externalIPs ?? []
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return own.join(',') || '<none>'
    case 'LoadBalancer':
      return [balancerAddresses(status?.loadBalancer?.ingress), ...own].filter((text) => text !== '').join(',') || '<pending>'
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return '<unknown>'
  }
}
export const serviceCells = cells<Service>({
  'External-IP': externalAddresses,
  'Port(s)': ({ spec }) =>
    (spec.ports ?? [])
      .map(({ port, nodePort, protocol }) => (nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`))
      .join(',') || '<none>',
})
