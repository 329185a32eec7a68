import { forbiddenField, invalidValue, rangeText, required } from '@skiff/machinery'
import { differences } from '../../checks/diff.ts'
import { type Faults, invalidShown, same } from '../../checks/faults.ts'
import { goStringMap } from '../../checks/go-syntax.ts'
import { checkTolerations } from '../../checks/taints.ts'
import type { Container, NodeAffinity, NodeSelectorTerm, Pod, PodSpec, Toleration } from '../../generated/types.ts'
import { checkAnnotationUpdates } from './annotations.ts'
import { checkImageSpace } from './containers.ts'
import { checkPod } from './pod.ts'

const longestDeadlineSeconds = 2 ** 31 - 1
const mutable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

/** A running pod keeps its spec, but for a few fields. */
export const checkPodUpdate = (faults: Faults, next: Pod, old: Pod): void => {
  checkPod(faults, next)
  checkAnnotationUpdates(faults, next.metadata.annotations ?? {}, old.metadata.annotations ?? {}, 'metadata.annotations')
  if (!checkImages(faults, next.spec.containers, old.spec.containers, 'spec.containers')) return
  if (!checkImages(faults, next.spec.initContainers, old.spec.initContainers, 'spec.initContainers')) return
  if (!checkDeadline(faults, next.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds)) return
  checkOnlyAdded(faults, next.spec.tolerations ?? [], old.spec.tolerations ?? [])
  checkGatesOnlyGo(faults, next.spec, old.spec)
  if (same(next.spec, old.spec)) return
  const rest = withOldMutables(faults, next.spec, old.spec)
  if (!same(rest, old.spec))
    faults.push(forbiddenField('spec', `pod updates may not change fields other than ${mutable}\n${differences(old.spec, rest)}`))
}

/** False: nothing more can be said. */
const checkImages = (faults: Faults, next: readonly Container[] = [], old: readonly Container[] = [], path: string): boolean => {
  if (next.length !== old.length) {
    faults.push(forbiddenField(path, 'pod updates may not add or remove containers'))
    return false
  }
  next.forEach((container, index) => {
    if (!container.image) faults.push(required(`${path}[${index}].image`))
    checkImageSpace(faults, container, `${path}[${index}]`)
  })
  return true
}

/** It may come, and then only shrink. */
const checkDeadline = (faults: Faults, next: number | undefined, old: number | undefined): boolean => {
  const path = 'spec.activeDeadlineSeconds'
  if (next === undefined) {
    if (old !== undefined) faults.push(invalidValue(path, 'null', 'must not update from a positive integer to nil value'))
    return true
  }
  if (next < 0 || next > longestDeadlineSeconds) {
    faults.push(invalidValue(path, next, rangeText(0, longestDeadlineSeconds)))
    return false
  }
  if (old === undefined || next <= old) return true
  faults.push(invalidValue(path, next, 'must be less than or equal to previous value'))
  return false
}

const checkOnlyAdded = (faults: Faults, next: readonly Toleration[], old: readonly Toleration[]): void => {
  const kept = (each: Toleration) =>
    next.some((other) =>
      same(
        { ...each, tolerationSeconds: other.tolerationSeconds ?? null },
        { ...other, tolerationSeconds: other.tolerationSeconds ?? null },
      ),
    )
  if (old.every(kept)) checkTolerations(faults, next, 'spec.tolerations')
  else faults.push(forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'))
}

const checkGatesOnlyGo = (faults: Faults, next: PodSpec, old: PodSpec): void => {
  const known = new Set(old.schedulingGates?.map((gate) => gate.name))
  next.schedulingGates?.forEach((gate, index) => {
    if (!known.has(gate.name))
      faults.push(
        forbiddenField(`spec.schedulingGates[${index}].name`, `only deletion is allowed, but found new scheduling gate '${gate.name}'`),
      )
  })
}

/** The new spec with what may change set back; a gated pod may be placed more narrowly too. */
const withOldMutables = (faults: Faults, next: PodSpec, old: PodSpec): PodSpec => {
  const images = (list: readonly Container[], before: readonly Container[] | undefined) =>
    list.map((container, index) => ({ ...container, image: before?.[index]?.image }))
  const madeValid = (old.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1
  const rest: { -readonly [K in keyof PodSpec]: PodSpec[K] } = {
    ...next,
    containers: images(next.containers, old.containers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    schedulingGates: old.schedulingGates,
    tolerations: old.tolerations,
    ...(next.initContainers ? { initContainers: images(next.initContainers, old.initContainers) } : {}),
    ...(madeValid ? { terminationGracePeriodSeconds: old.terminationGracePeriodSeconds } : {}),
  }
  if (old.schedulingGates?.length) {
    checkSelectorGrows(faults, next, old)
    rest.nodeSelector = old.nodeSelector
    const before = old.affinity?.nodeAffinity
    if (!same(next.affinity?.nodeAffinity, before)) {
      checkAffinityGrows(faults, next.affinity?.nodeAffinity, before)
      const affinity = { ...next.affinity, nodeAffinity: before }
      rest.affinity = old.affinity === undefined && !affinity.podAffinity && !affinity.podAntiAffinity ? undefined : affinity
    }
  }
  return withoutAbsent(rest)
}

const withoutAbsent = (value: PodSpec): PodSpec => JSON.parse(JSON.stringify(value)) as PodSpec

const checkSelectorGrows = (faults: Faults, next: PodSpec, old: PodSpec): void => {
  const lost = Object.entries(old.nodeSelector ?? {}).some(([key, value]) => next.nodeSelector?.[key] !== value)
  if (!lost) return
  const text = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'
  faults.push(invalidShown('spec.nodeSelector', goStringMap(next.nodeSelector), text))
}

const checkAffinityGrows = (faults: Faults, next: NodeAffinity | undefined, old: NodeAffinity | undefined): void => {
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  const before = old?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const after = next?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  if (before.length === 0) return
  if (before.length !== after.length) {
    faults.push(invalidValue(path, after, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'))
    return
  }
  before.forEach((term, index) => {
    if (!onlyAdds(after[index] as NodeSelectorTerm, term))
      faults.push(invalidValue(`${path}[${index}]`, after[index], 'only additions are allowed (no mutations or deletions)'))
  })
}

const onlyAdds = (next: NodeSelectorTerm, old: NodeSelectorTerm): boolean => {
  const begins = (after: readonly unknown[] = [], before: readonly unknown[] = []) => same(after.slice(0, before.length), before)
  // An empty term matches nothing: anything added to it would widen it.
  if (!old.matchExpressions?.length && !old.matchFields?.length) return !next.matchExpressions?.length && !next.matchFields?.length
  return begins(next.matchExpressions, old.matchExpressions) && begins(next.matchFields, old.matchFields)
}
