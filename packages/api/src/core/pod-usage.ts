import { addQuantities, compareQuantities, quantityText } from '@skiff/machinery'
import type { Container, Pod, ResourceQuota } from '../generated/types.ts'

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
const maxAmounts = (a: Amounts, b: Amounts): Amounts => {
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
    if (container.restartPolicy === 'Always') {
      sidecars = addAmounts(sidecars, of(container))
      starting = maxAmounts(starting, sidecars)
    } else starting = maxAmounts(starting, addAmounts(sidecars, of(container)))
  }
  return maxAmounts(
    pod.spec.containers.reduce((sum, container) => addAmounts(sum, of(container)), sidecars),
    starting,
  )
}
/** What the containers of a pod ask for, without overhead. */
export const containerRequests = (pod: Pod): Amounts => ({
  ...total(pod, (container) => container.resources?.requests ?? {}),
  ...pod.spec.resources?.requests,
})
export const containerLimits = (pod: Pod): Amounts => ({
  ...total(pod, (container) => container.resources?.limits ?? {}),
  ...pod.spec.resources?.limits,
})
export const podRequests = (pod: Pod): Amounts => addAmounts(containerRequests(pod), pod.spec.overhead ?? {})
export const podLimits = (pod: Pod): Amounts => {
  const limits = containerLimits(pod)
  const overhead = Object.entries(pod.spec.overhead ?? {}).filter(([name]) => limits[name] !== undefined)
  return addAmounts(limits, Object.fromEntries(overhead))
}

const plain = new Set(['cpu', 'memory', 'ephemeral-storage'])
const isNative = (name: string): boolean => !name.includes('/') || name.split('/')[0]?.endsWith('kubernetes.io') === true

/** What a pod counts for in every quota; one that ended counts as an object only. */
export const podUsage = (pod: Pod, nowMs: number): Amounts => {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata
  const isOverdue = deletionTimestamp !== undefined && Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1_000 < nowMs
  const isFinished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  if (isFinished || isOverdue) return { 'count/pods': '1' }
  const usage: Record<string, string> = { 'count/pods': '1', pods: '1' }
  for (const [name, amount] of Object.entries(podRequests(pod))) {
    if (plain.has(name) || name.startsWith('hugepages-')) usage[name] = amount
    if (plain.has(name) || name.startsWith('hugepages-') || !isNative(name)) usage[`requests.${name}`] = amount
  }
  for (const [name, amount] of Object.entries(podLimits(pod))) if (plain.has(name)) usage[`limits.${name}`] = amount
  return usage
}

const isBestEffort = (pod: Pod): boolean => {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  const asks = (amounts: Amounts | undefined) =>
    ['cpu', 'memory'].some((name) => amounts?.[name] && compareQuantities(amounts[name], '0') > 0)
  return !containers.some(({ resources }) => asks(resources?.requests) || asks(resources?.limits))
}
const hasCrossNamespaceAffinity = (pod: Pod): boolean => {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  const terms = [podAffinity, podAntiAffinity].flatMap((one) => [
    ...(one?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => each.podAffinityTerm),
  ])
  return terms.some((term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined)
}

const inScope = (pod: Pod, scope: string): boolean => {
  const isTerminating = (pod.spec.activeDeadlineSeconds ?? -1) >= 0
  switch (scope) {
    case 'Terminating':
      return isTerminating
    case 'NotTerminating':
      return !isTerminating
    case 'BestEffort':
      return isBestEffort(pod)
    case 'NotBestEffort':
      return !isBestEffort(pod)
    case 'CrossNamespacePodAffinity':
      return hasCrossNamespaceAffinity(pod)
    case 'PriorityClass':
      return Boolean(pod.spec.priorityClassName)
    default:
      return false
  }
}

type ScopedSelector = NonNullable<NonNullable<ResourceQuota['spec']['scopeSelector']>['matchExpressions']>[number]

const matchesSelector = (pod: Pod, { scopeName, operator, values = [] }: ScopedSelector): boolean => {
  if (scopeName !== 'PriorityClass') return inScope(pod, scopeName)
  const name = pod.spec.priorityClassName ?? ''
  switch (operator as string) {
    case 'In':
      return name !== '' && values.includes(name)
    case 'NotIn':
      return name === '' || !values.includes(name)
    case 'DoesNotExist':
      return name === ''
    default:
      return name !== ''
  }
}

/** Whether the quota speaks of this pod: it has to lie in every scope. */
export const coversPod = ({ spec }: ResourceQuota, pod: Pod): boolean =>
  (spec.scopes ?? []).every((scope) => inScope(pod, scope)) &&
  (spec.scopeSelector?.matchExpressions ?? []).every((selector) => matchesSelector(pod, selector))

export const isScoped = ({ spec }: ResourceQuota): boolean =>
  (spec.scopes ?? []).length > 0 || (spec.scopeSelector?.matchExpressions ?? []).length > 0
