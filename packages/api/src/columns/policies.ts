import { formatLabelSelector, humanDuration } from '@skiff/machinery'
import type {
  APIService,
  CertificateSigningRequest,
  ClusterRoleBinding,
  EndpointSlice,
  FlowSchema,
  Ingress,
  IngressClass,
  IPAddress,
  StorageClass,
  Subject,
  ValidatingAdmissionPolicyBinding,
} from '../generated/types.ts'
import { cells } from './column.ts'
import { balancerAddresses, conditionOf, firstThree } from './texts.ts'

export const policyBindingCells = cells<ValidatingAdmissionPolicyBinding>({
  ParamRef: ({ spec }) => {
    const param = spec.paramRef
    if (!param) return '<unset>'
    return param.name ? `${param.namespace || '*'}/${param.name}` : formatLabelSelector(param.selector)
  },
})

export const apiServiceCells = cells<APIService>({
  Service: ({ spec }) => (spec.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local'),
  Available: ({ status }) => {
    const available = conditionOf(status?.conditions, 'Available')
    if (!available) return 'Unknown'
    if (available.status === 'True' || !available.reason) return available.status
    return `${available.status} (${available.reason})`
  },
})

export const signingRequestCells = cells<CertificateSigningRequest>({
  RequestedDuration: ({ spec }) => (spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000)),
  Condition: ({ status }) => {
    const has = (type: string) => conditionOf(status?.conditions, type) !== undefined
    const verdict = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
    return `${verdict}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`
  },
})

export const endpointSliceCells = cells<EndpointSlice>({
  Ports: ({ ports }) =>
    firstThree(
      (ports ?? []).map(({ port, name }) => (port !== undefined ? String(port) : name || '*')),
      '<unset>',
    ),
  Endpoints: ({ endpoints }) =>
    firstThree(
      (endpoints ?? []).flatMap((each) => each.addresses),
      '<unset>',
    ),
})

export const flowSchemaCells = cells<FlowSchema>({ MissingPL: ({ status }) => conditionOf(status?.conditions, 'Dangling')?.status ?? '?' })

export const ingressCells = cells<Ingress>({
  Hosts: ({ spec }) => {
    const rules = spec.rules ?? []
    const hosts = rules.slice(0, 3).flatMap(({ host }) => (host ? [host] : []))
    if (hosts.length === 0) return '*'
    return rules.length > 3 ? `${hosts.join(',')} + ${rules.length - 3} more...` : hosts.join(',')
  },
  Address: ({ status }) => balancerAddresses(status?.loadBalancer?.ingress),
  Ports: ({ spec }) => ((spec.tls?.length ?? 0) > 0 ? '80, 443' : '80'),
})
export const ingressClassCells = cells<IngressClass>({
  Parameters: ({ spec }) => {
    const given = spec.parameters
    return given ? `${given.kind}${given.apiGroup ? `.${given.apiGroup}` : ''}/${given.name}` : '<none>'
  },
})
export const ipAddressCells = cells<IPAddress>({
  ParentRef: ({ spec }) => {
    const parent = spec.parentRef
    if (!parent) return '<none>'
    const resource = `${parent.resource ?? ''}${parent.group ? `.${parent.group}` : ''}`
    return [resource, ...(parent.namespace ? [parent.namespace] : []), parent.name].join('/')
  },
})

const subjectsOf =
  (kind: Subject['kind'], text: (subject: Subject) => string) =>
  ({ subjects }: ClusterRoleBinding): string =>
    (subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(text)
      .join(', ')
export const roleBindingCells = cells<ClusterRoleBinding>({
  Users: subjectsOf('User', ({ name }) => name),
  Groups: subjectsOf('Group', ({ name }) => name),
  ServiceAccounts: subjectsOf('ServiceAccount', ({ namespace, name }) => `${namespace ?? ''}/${name}`),
})

export const resourceClaimCells = cells<{
  readonly metadata: { readonly deletionTimestamp?: string }
  readonly status?: { readonly allocation?: unknown; readonly reservedFor?: readonly unknown[] }
}>({
  State: ({ metadata, status }) => {
    const deleting = metadata.deletionTimestamp !== undefined
    const states = deleting ? ['deleted'] : []
    if (!status?.allocation) return [...states, ...(deleting ? [] : ['pending'])].join(',')
    return [...states, 'allocated', ...((status.reservedFor?.length ?? 0) > 0 ? ['reserved'] : [])].join(',')
  },
})

const nameOr =
  (...annotations: readonly string[]) =>
  ({ metadata }: Pick<StorageClass, 'metadata'>): string =>
    annotations.some((key) => metadata.annotations?.[key] === 'true') ? `${metadata.name} (default)` : metadata.name
export const storageClassCells = cells<StorageClass>({
  Name: nameOr('storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'),
})
export const attributesClassCells = cells<StorageClass>({ Name: nameOr('volumeattributesclass.alpha.kubernetes.io/is-default-class') })

export const storageVersionCells = cells<{
  readonly status?: { readonly storageVersions?: readonly { readonly apiServerID: string; readonly encodingVersion: string }[] }
}>({
  StorageVersions: ({ status }) =>
    firstThree(
      (status?.storageVersions ?? []).map(({ apiServerID, encodingVersion }) => `${apiServerID}=${encodingVersion}`),
      '<unset>',
    ),
})
