import type { DaemonSet, Node, PodSpec, Toleration } from '@skiff/api'
import { tolerates } from '../nodes/tolerations.ts'
import { hasLabels } from '../selector.ts'

type Affinity = NonNullable<PodSpec['affinity']>
type NodeTerm = NonNullable<
  NonNullable<NonNullable<Affinity['nodeAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']>['nodeSelectorTerms']
>[number]
type Requirement = NonNullable<NodeTerm['matchExpressions']>[number]

/** Not a number where it is none: then nothing is more or less. */
const integer = (text = ''): number => (/^[+-]?[0-9]+$/.test(text) ? Number(text) : Number.NaN)

const matches = ({ operator, values = [] }: Requirement, value: string | undefined): boolean => {
  switch (operator as string) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return integer(value) > integer(values[0])
    case 'Lt':
      return integer(value) < integer(values[0])
    default:
      return false
  }
}

/** A term without any requirement selects no node. */
const termSelects = ({ matchExpressions = [], matchFields = [] }: NodeTerm, node: Node): boolean => {
  if (matchExpressions.length + matchFields.length === 0) return false
  const labels = node.metadata.labels ?? {}
  const labelOf = (name: string) => (Object.hasOwn(labels, name) ? labels[name] : undefined)
  return (
    matchExpressions.every((one) => matches(one, labelOf(one.key))) &&
    matchFields.every((one) => one.key === 'metadata.name' && matches(one, node.metadata.name))
  )
}

export const nodeSelected = (spec: PodSpec, node: Node): boolean => {
  if (!hasLabels(node.metadata.labels, spec.nodeSelector ?? {})) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return !required || (required.nodeSelectorTerms ?? []).some((term) => termSelects(term, node))
}

/** Daemons run where others may not: on nodes that are not ready, under pressure or cordoned. */
export const daemonTolerations = (hostNetwork: boolean): readonly Toleration[] => {
  const exists = (name: string, effect: 'NoExecute' | 'NoSchedule'): Toleration => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists',
    effect,
  })
  return [
    exists('not-ready', 'NoExecute'),
    exists('unreachable', 'NoExecute'),
    exists('disk-pressure', 'NoSchedule'),
    exists('memory-pressure', 'NoSchedule'),
    exists('pid-pressure', 'NoSchedule'),
    exists('unschedulable', 'NoSchedule'),
    ...(hostNetwork ? [exists('network-unavailable', 'NoSchedule')] : []),
  ]
}

const sameTaints = (a: Toleration, b: Toleration): boolean =>
  a.key === b.key && a.effect === b.effect && a.operator === b.operator && (a.value ?? '') === (b.value ?? '')

/** The template's own tolerations and those of daemons, which take the place of own ones for the same taints: they never end. */
export const withDaemonTolerations = (spec: PodSpec): readonly Toleration[] => {
  const daemons = daemonTolerations(spec.hostNetwork === true)
  const own = spec.tolerations ?? []
  const kept = own.map((one) => daemons.find((daemon) => sameTaints(daemon, one)) ?? one)
  return [...kept, ...daemons.filter((daemon) => !own.some((one) => sameTaints(daemon, one)))]
}

export interface Fit {
  readonly shouldRun: boolean
  /** A pod that is there may stay, though a new one would not be put there. */
  readonly mayStay: boolean
}

export const fitOf = (set: DaemonSet, node: Node): Fit => {
  const spec = set.spec.template.spec
  if (!spec) return { shouldRun: false, mayStay: false }
  if ((spec.nodeName && spec.nodeName !== node.metadata.name) || !nodeSelected(spec, node)) return { shouldRun: false, mayStay: false }
  const tolerations = withDaemonTolerations(spec)
  const untolerated = (node.spec.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  )
  return { shouldRun: untolerated.length === 0, mayStay: untolerated.every((taint) => taint.effect !== 'NoExecute') }
}
