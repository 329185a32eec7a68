import type { Container, Pod, ResourceQuota } from '@skiff/api'
import { addQuantities, compareQuantities, quantitySign, quantityText } from '@skiff/machinery'

/** Amounts by resource name, as quantities in text. */
export type Amounts = Readonly<Record<string, string>>

export const addAmounts = (a: Amounts, b: Amounts): Amounts => {
  const sum: Record<string, string> = { ...a }
  for (const [name, amount] of Object.entries(b)) {
    const held = sum[name]
    sum[name] = held === undefined ? amount : quantityText(addQuantities(held, amount))
  }
  return sum
}

const mostOf = (a: Amounts, b: Amounts): Amounts => {
  const most: Record<string, string> = { ...a }
  for (const [name, amount] of Object.entries(b)) {
    const held = most[name]
    if (held === undefined || compareQuantities(held, amount) < 0) most[name] = amount
  }
  return most
}

/** Containers run together; init containers one after the other, each beside the sidecars that were started before it. */
const total = (pod: Pod, of: (container: Container) => Amounts): Amounts => {
  let sidecars: Amounts = {}
  let starting: Amounts = {}
  for (const container of pod.spec.initContainers ?? []) {
    const asked = addAmounts(sidecars, of(container))
    if (container.restartPolicy === 'Always') sidecars = asked
    starting = mostOf(starting, asked)
  }
  return mostOf(
    pod.spec.containers.reduce((sum, container) => addAmounts(sum, of(container)), sidecars),
    starting,
  )
}

const plain = new Set(['cpu', 'memory', 'ephemeral-storage'])
const isExtended = (name: string): boolean => name.includes('/') && !(name.split('/')[0] ?? '').endsWith('kubernetes.io')

/** What a pod counts for in a quota while it has not ended. */
export const podUsage = (pod: Pod): Amounts => {
  const usage: Record<string, string> = { 'count/pods': '1' }
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return usage
  usage.pods = '1'
  const overhead = pod.spec.overhead ?? {}
  const requests = addAmounts({ ...total(pod, ({ resources }) => resources?.requests ?? {}), ...pod.spec.resources?.requests }, overhead)
  for (const [name, amount] of Object.entries(requests)) {
    const native = plain.has(name) || name.startsWith('hugepages-')
    if (native) usage[name] = amount
    if (native || isExtended(name)) usage[`requests.${name}`] = amount
  }
  const limits: Amounts = { ...total(pod, ({ resources }) => resources?.limits ?? {}), ...pod.spec.resources?.limits }
  for (const [name, amount] of Object.entries(limits))
    if (plain.has(name)) usage[`limits.${name}`] = overhead[name] ? quantityText(addQuantities(amount, overhead[name])) : amount
  return usage
}

const mustBeSaid = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory']

/** Where a quota counts processor time or memory, every container has to say how much it wants. Empty: all do. */
export const unsaidAmounts = (pod: Pod, counted: readonly string[]): string => {
  const parts: string[] = []
  for (const resource of mustBeSaid) {
    if (!counted.includes(resource)) continue
    const name = resource.replace(/^(requests|limits)\./, '')
    const list = resource.startsWith('limits.') ? 'limits' : 'requests'
    const silent = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
      .filter(({ resources }) => resources?.[list]?.[name] === undefined)
      .map((container) => container.name)
      .sort()
    const wholePod = pod.spec.resources?.[list]?.[name] !== undefined
    if (silent.length > 0 && !wholePod) parts.push(`${resource} for: ${silent.join(',')}`)
  }
  return parts.length > 0 ? `must specify ${parts.join('; ')}` : ''
}

const isBestEffort = ({ spec }: Pod): boolean =>
  ![...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) =>
    [resources?.requests, resources?.limits].some((list) =>
      ['cpu', 'memory'].some((name) => list?.[name] !== undefined && quantitySign(list[name]) > 0),
    ),
  )

const looksAcrossNamespaces = ({ spec }: Pod): boolean =>
  [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]
    .flatMap((one) => [
      ...(one?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => each.podAffinityTerm),
    ])
    .some((term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined)

const inScope = (pod: Pod, scope: string): boolean => {
  switch (scope) {
    case 'Terminating':
      return (pod.spec.activeDeadlineSeconds ?? -1) >= 0
    case 'NotTerminating':
      return (pod.spec.activeDeadlineSeconds ?? -1) < 0
    case 'BestEffort':
      return isBestEffort(pod)
    case 'NotBestEffort':
      return !isBestEffort(pod)
    case 'CrossNamespacePodAffinity':
      return looksAcrossNamespaces(pod)
    case 'PriorityClass':
      return Boolean(pod.spec.priorityClassName)
    default:
      return false
  }
}

type Expression = NonNullable<NonNullable<ResourceQuota['spec']['scopeSelector']>['matchExpressions']>[number]

const matches = (pod: Pod, { scopeName, operator, values = [] }: Expression): boolean => {
  if (scopeName !== 'PriorityClass') return inScope(pod, scopeName)
  const name = pod.spec.priorityClassName ?? ''
  if (operator === 'In') return name !== '' && values.includes(name)
  if (operator === 'NotIn') return name === '' || !values.includes(name)
  return operator === 'DoesNotExist' ? name === '' : name !== ''
}

/** True when the quota has no scope, or the pod lies in all of them. */
export const coversPod = ({ spec }: ResourceQuota, pod: Pod): boolean =>
  (spec.scopes ?? []).every((scope) => inScope(pod, scope)) &&
  (spec.scopeSelector?.matchExpressions ?? []).every((expression) => matches(pod, expression))

export const isScoped = ({ spec }: ResourceQuota): boolean =>
  (spec.scopes?.length ?? 0) > 0 || (spec.scopeSelector?.matchExpressions?.length ?? 0) > 0
