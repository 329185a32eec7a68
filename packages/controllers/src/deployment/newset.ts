import type { Deployment, PodTemplateSpec, ReplicaSet } from '@skiff/api'
import { deployment as deployments, replicaSet as replicaSets } from '@skiff/api'
import type { Draft } from '@skiff/client'
import { controllerOf, isRefusal } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'
import { controlledBy } from '../ownership.ts'
import { create, event, fail, isNamespaceTerminating, read, reasonOf, type Steps, updateStatus } from '../runner/step.ts'
import { same } from '../same.ts'
import { annotateNewSet, maxRevision, revisionAnnotation, sizeAnnotations, withAnnotations } from './annotations.ts'
import { templateHash } from './hash.ts'
import { isRolling, progressDeadlineMs, wantedReplicas } from './limits.ts'
import { newSetSize } from './rolling.ts'
import { byAge, type Rollout } from './rollout.ts'
import { withProgress } from './status.ts'

const hashLabel = 'pod-template-hash'

const withoutHash = (template: PodTemplateSpec | undefined): unknown => {
  const { [hashLabel]: _hash, ...labels } = template?.metadata?.labels ?? {}
  return { ...template, metadata: { ...template?.metadata, labels } }
}
export const sameTemplate = (a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean =>
  same(withoutHash(a), withoutHash(b))

/** Splits the sets into the one of the current template (of several, the oldest) and all others. */
export const sortSets = (deployment: Deployment, sets: readonly ReplicaSet[]): Rollout => {
  const sorted = [...sets].sort(byAge)
  const newSet = sorted.find((set) => sameTemplate(set.spec.template, deployment.spec.template))
  return { deployment, newSet, oldSets: sorted.filter((set) => set !== newSet) }
}

/** Brings the new set's annotations up to date, and the Deployment's revision to that of its new set. */
export const syncRevision = (rollout: Rollout, nowMs: number): Rollout => {
  const { deployment, newSet, oldSets } = rollout
  if (!newSet) return rollout
  const annotated = annotateNewSet(deployment, newSet, maxRevision(oldSets) + 1)
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0
  const next =
    (annotated.spec.minReadySeconds ?? 0) === minReadySeconds ? annotated : { ...annotated, spec: { ...annotated.spec, minReadySeconds } }
  const revised = withAnnotations(deployment, { [revisionAnnotation]: next.metadata.annotations?.[revisionAnnotation] ?? '' })
  const isUnjudged = progressDeadlineMs(deployment) !== undefined && !conditionOf(deployment.status?.conditions, 'Progressing')
  return {
    ...rollout,
    newSet: next,
    deployment: isUnjudged
      ? withProgress(revised, 'True', 'FoundNewReplicaSet', `Found new replica set "${next.metadata.name}"`, nowMs)
      : revised,
  }
}

const draftOf = (rollout: Rollout): Draft<ReplicaSet> => {
  const { deployment, oldSets } = rollout
  const { template, selector, minReadySeconds } = deployment.spec
  const hash = templateHash(template, deployment.status?.collisionCount)
  const labels = { ...template.metadata?.labels, [hashLabel]: hash }
  const draft = {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      ownerReferences: [controlledBy(deployments, deployment)],
      labels,
    },
    spec: {
      replicas: isRolling(deployment) ? newSetSize({ ...rollout, newSet: undefined }, 0) : wantedReplicas(deployment),
      ...(minReadySeconds ? { minReadySeconds } : {}),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  } as unknown as ReplicaSet
  return withAnnotations(annotateNewSet(deployment, draft, maxRevision(oldSets) + 1), sizeAnnotations(deployment))
}

/**
 * Creates the set of the current template and goes on with `proceed`. The name is made of the template's hash, so a create that was
 * repeated finds its own set; another set under that name is a collision, and the next hash differs.
 */
export const createNewSet = (rollout: Rollout, nowMs: number, proceed: (rollout: Rollout) => Steps): Steps => {
  const { deployment } = rollout
  const draft = draftOf(rollout)
  const name = draft.metadata.name ?? ''
  const judged = progressDeadlineMs(deployment) !== undefined
  const revision = draft.metadata.annotations?.[revisionAnnotation] ?? ''
  const revised = withAnnotations(deployment, { [revisionAnnotation]: revision })

  const created = (set: ReplicaSet): Steps => {
    const size = set.spec.replicas ?? 0
    const next = judged ? withProgress(revised, 'True', 'NewReplicaSetCreated', `Created new replica set "${name}"`, nowMs) : revised
    return [
      ...(size > 0 ? [event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${size}`)] : []),
      ...proceed({ ...rollout, deployment: next, newSet: set }),
    ]
  }
  const exists =
    (error: unknown) =>
    (set: ReplicaSet | undefined): Steps => {
      if (!set) return [fail(error)]
      if (controllerOf(set)?.uid === deployment.metadata.uid && sameTemplate(set.spec.template, deployment.spec.template))
        return proceed({ ...rollout, deployment: revised, newSet: set })
      const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
      return [updateStatus(deployments, { ...deployment, status: { ...deployment.status, collisionCount } })]
    }
  return [
    create(replicaSets, draft, {
      done: created,
      failed: (error) => {
        if (isNamespaceTerminating(error)) return []
        if (isRefusal(error, 409)) {
          const { namespace } = deployment.metadata
          return [read(replicaSets, { ...(namespace ? { namespace } : {}), name }, { done: exists(error) })]
        }
        return refused(deployment, name, error, judged, nowMs)
      },
    }),
  ]
}

const refused = (deployment: Deployment, name: string, error: unknown, judged: boolean, nowMs: number): Steps => {
  const message = `Failed to create new replica set "${name}": ${reasonOf(error)}`
  const told = withProgress(deployment, 'False', 'ReplicaSetCreateError', message, nowMs)
  return [
    event(deployment, 'Warning', 'ReplicaSetCreateError', message),
    // The error is the news: that its report did not get through is not.
    ...(judged && told.status !== deployment.status && !same(told.status, deployment.status)
      ? [updateStatus(deployments, told, { failed: () => [] })]
      : []),
    fail(error),
  ]
}
