import { mapSame, withField } from '../../defaults/patch.ts'
import type {
  Affinity,
  LabelSelector,
  LabelSelectorRequirement,
  Pod,
  PodAffinity,
  PodAffinityTerm,
  PodCondition,
} from '../../generated/types.ts'
import { syncAppArmor } from './app-armor.ts'
import { qosClass } from './qos.ts'

/** A new pod waits, whatever status was sent. */
export const preparePod = (pod: Pod): Pod => {
  const { spec } = pod
  const labels = pod.metadata.labels ?? {}
  const affinity = spec.affinity && withLabelKeys(spec.affinity, labels)
  return syncAppArmor({
    ...pod,
    spec: affinity === spec.affinity ? spec : { ...spec, affinity },
    status: {
      phase: 'Pending',
      ...(spec.schedulingGates?.length ? { conditions: [gated] } : {}),
      qosClass: qosClass(spec),
    },
  })
}

const gated: PodCondition = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
}

type Labels = Readonly<Record<string, string>>

/** matchLabelKeys and mismatchLabelKeys become requirements with the pod's own values, once and for all. */
const withLabelKeys = (affinity: Affinity, labels: Labels): Affinity => {
  const podAffinity = affinity.podAffinity && resolved(affinity.podAffinity, labels)
  const podAntiAffinity = affinity.podAntiAffinity && resolved(affinity.podAntiAffinity, labels)
  if (podAffinity === affinity.podAffinity && podAntiAffinity === affinity.podAntiAffinity) return affinity
  return { ...affinity, ...(podAffinity ? { podAffinity } : {}), ...(podAntiAffinity ? { podAntiAffinity } : {}) }
}

const resolved = (affinity: PodAffinity, labels: Labels): PodAffinity => {
  const must = affinity.requiredDuringSchedulingIgnoredDuringExecution
  const prefer = affinity.preferredDuringSchedulingIgnoredDuringExecution
  let next = affinity
  if (must)
    next = withField(
      next,
      'requiredDuringSchedulingIgnoredDuringExecution',
      mapSame(must, (term) => resolvedTerm(term, labels)),
    )
  if (prefer)
    next = withField(
      next,
      'preferredDuringSchedulingIgnoredDuringExecution',
      mapSame(prefer, (each) => withField(each, 'podAffinityTerm', resolvedTerm(each.podAffinityTerm, labels))),
    )
  return next
}

const resolvedTerm = (term: PodAffinityTerm, labels: Labels): PodAffinityTerm => {
  if (term?.labelSelector === undefined) return term
  const added: LabelSelectorRequirement[] = []
  const add = (keys: readonly string[] | undefined, operator: LabelSelectorRequirement['operator']) => {
    for (const key of keys ?? []) if (Object.hasOwn(labels, key)) added.push({ key, operator, values: [labels[key] as string] })
  }
  add(term.matchLabelKeys, 'In')
  add(term.mismatchLabelKeys, 'NotIn')
  if (added.length === 0) return term
  const labelSelector: LabelSelector = {
    ...term.labelSelector,
    matchExpressions: [...(term.labelSelector.matchExpressions ?? []), ...added],
  }
  return { ...term, labelSelector }
}
