import type { Deployment, ReplicaSet } from '@skiff/api'
import { maxSurge, wantedReplicas } from './limits.ts'

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
const historyAnnotation = 'deployment.kubernetes.io/revision-history'
const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
const maxAnnotation = 'deployment.kubernetes.io/max-replicas'
export const rollbackAnnotation = 'deprecated.deployment.rollback.to'
const historyMaxLength = 2_000

type Annotations = Readonly<Record<string, string>>

const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  rollbackAnnotation,
])
export const isOwnAnnotation = (name: string): boolean => notCopied.has(name)

const integer = (text: string | undefined): number | undefined => (text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined)

/** 0 for a set without a revision; undefined for one whose revision cannot be read. */
export const revisionOf = (set: ReplicaSet): number | undefined => {
  const text = set.metadata.annotations?.[revisionAnnotation]
  return text === undefined ? 0 : integer(text)
}
export const maxRevision = (sets: readonly ReplicaSet[]): number => Math.max(0, ...sets.map((set) => revisionOf(set) ?? 0))
/** The second highest: what `rollout undo` without a revision means. */
export const lastRevision = (sets: readonly ReplicaSet[]): number =>
  sets
    .map((set) => revisionOf(set) ?? 0)
    .sort((a, b) => b - a)
    .at(1) ?? 0

export const desiredReplicas = (set: ReplicaSet): number | undefined => integer(set.metadata.annotations?.[desiredAnnotation])
export const annotatedMax = (set: ReplicaSet): number | undefined => integer(set.metadata.annotations?.[maxAnnotation])

/** How large the Deployment was when the set was sized: tells a scaling from a rollout, and is the base of proportions. */
export const sizeAnnotations = (deployment: Deployment): Annotations => ({
  [desiredAnnotation]: String(wantedReplicas(deployment)),
  [maxAnnotation]: String(wantedReplicas(deployment) + maxSurge(deployment)),
})

export const withAnnotations = <T extends { readonly metadata: { readonly annotations?: Annotations } }>(
  object: T,
  more: Annotations,
): T => {
  const held = object.metadata.annotations
  if (Object.entries(more).every(([name, value]) => held?.[name] === value)) return object
  return { ...object, metadata: { ...object.metadata, annotations: { ...held, ...more } } }
}

/**
 * What the new set carries: the Deployment's annotations, and a revision above all old ones. A revision that it had before goes to
 * its history: the Deployment was rolled back to it.
 */
export const annotateNewSet = (deployment: Deployment, set: ReplicaSet, revision: number): ReplicaSet => {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !notCopied.has(name))
  const next = withAnnotations(set, Object.fromEntries(copied))
  const text = set.metadata.annotations?.[revisionAnnotation]
  const held = text === undefined || text === '' ? 0 : integer(text)
  if (held === undefined || held >= revision) return next
  const history = text === undefined ? {} : grownHistory(set.metadata.annotations?.[historyAnnotation], text)
  return withAnnotations(next, { [revisionAnnotation]: String(revision), ...history })
}

const grownHistory = (history: string | undefined, revision: string): Annotations => {
  if (!history) return { [historyAnnotation]: revision }
  const revisions = [...history.split(','), revision]
  while (revisions.join(',').length > historyMaxLength && revisions.length > 1) revisions.shift()
  return { [historyAnnotation]: revisions.join(',') }
}
