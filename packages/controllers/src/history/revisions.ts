import type { ControllerRevision, PodTemplateSpec, Resource } from '@skiff/api'
import { controllerRevision as revisions } from '@skiff/api'
import type { Views } from '@skiff/client'
import type { KubeObject } from '@skiff/machinery'
import { controllerOf, isRefusal } from '@skiff/machinery'
import { claim, controlledBy } from '../ownership.ts'
import { create, fail, read, type Step, type Steps, update } from '../runner/step.ts'
import { same } from '../same.ts'
import { selectorOf } from '../selector.ts'
import { revisionData } from './revision-data.ts'

/** An object whose pod template has a history of ControllerRevisions: StatefulSet and DaemonSet. */
export interface Revised extends KubeObject {
  readonly spec: { readonly selector: Parameters<typeof selectorOf>[0]; readonly template: PodTemplateSpec }
  readonly status?: { readonly collisionCount?: number }
}
export const revisionIndex = {
  orphans: (revision: ControllerRevision): readonly string[] => (controllerOf(revision) ? [] : [revision.metadata.namespace ?? '']),
}

/** The template that a revision keeps. */
export const templateOf = (revision: ControllerRevision): PodTemplateSpec => {
  const data = revision.data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } } | undefined
  const { $patch: _patch, ...template } = data?.spec?.template ?? {}
  return template
}

const byNumber = (a: ControllerRevision, b: ControllerRevision): number =>
  a.revision - b.revision ||
  Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) ||
  (a.metadata.name < b.metadata.name ? -1 : 1)

export interface History {
  /** Oldest number first. */
  readonly all: readonly ControllerRevision[]
  /** Adoptions and releases to be done first. */
  readonly steps: Steps
}

export const historyOf = <T extends Revised>(resource: Resource<T>, owner: T, views: Views): History => {
  const view = views.view(revisions)
  const candidates = [...view.ownedBy(owner.metadata.uid), ...view.indexed('orphans', owner.metadata.namespace ?? '')]
  const matches = selectorOf(owner.spec.selector)
  const { mine, steps } = claim(resource, owner, revisions, candidates, (one) => matches(one.metadata.labels))
  return { all: [...mine].sort(byNumber), steps }
}

/** How revisions are told apart, which differs by kind: the label, and its value. */
export interface RevisionNames {
  readonly label: 'controller-revision-hash' | 'controller.kubernetes.io/hash'
  hash(template: PodTemplateSpec, data: unknown, collisionCount: number): string
}

/**
 * Finds or makes the revision of the owner's template and goes on with it. It always has the highest number: rolling back gives an
 * old revision a new number. `collided` writes the raised collision count, after which the next plan takes another name.
 */
export const withCurrentRevision = <T extends Revised>(
  resource: Resource<T>,
  owner: T,
  history: readonly ControllerRevision[],
  names: RevisionNames,
  collided: (count: number) => Step,
  proceed: (current: ControllerRevision) => Steps,
): Steps => {
  const equal = history.filter((one) => same(templateOf(one), owner.spec.template)).at(-1)
  const newest = history.at(-1)
  if (equal && equal === newest) return proceed(equal)
  const number = (newest?.revision ?? 0) + 1
  if (equal) return [update(revisions, { ...equal, revision: number }, { done: proceed })]
  // On its way out it has let go of its revisions, or they are gone: new ones would be left behind.
  if (owner.metadata.deletionTimestamp !== undefined) return []

  const collisionCount = owner.status?.collisionCount ?? 0
  const data = revisionData(owner.spec.template)
  const hash = names.hash(owner.spec.template, data, collisionCount)
  const name = `${owner.metadata.name.slice(0, 223)}-${hash}`
  const { namespace } = owner.metadata
  const draft = {
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      labels: { ...owner.spec.template.metadata?.labels, [names.label]: hash },
      ...(owner.metadata.annotations ? { annotations: owner.metadata.annotations } : {}),
      ownerReferences: [controlledBy(resource, owner)],
    },
    data,
    revision: number,
  }
  const exists =
    (error: unknown) =>
    (held: ControllerRevision | undefined): Steps => {
      if (!held) return [fail(error)]
      const isOwn = controllerOf(held)?.uid === owner.metadata.uid && same(templateOf(held), owner.spec.template)
      return isOwn ? proceed(held) : [collided(collisionCount + 1)]
    }
  const failed = (error: unknown): Steps | undefined =>
    isRefusal(error, 409) ? [read(revisions, { ...(namespace ? { namespace } : {}), name }, { done: exists(error) })] : undefined
  return [create(revisions, draft as never, { done: proceed, failed })]
}

/** Revisions beyond the limit that nothing uses, the oldest first. */
export const surplusRevisions = (
  history: readonly ControllerRevision[],
  limit: number,
  isUsed: (revision: ControllerRevision) => boolean,
): readonly ControllerRevision[] => {
  const unused = history.filter((one) => !isUsed(one))
  return unused.slice(0, Math.max(0, unused.length - limit))
}
