import type { Deployment, ReplicaSet } from '@skiff/api'
import { deployment as deployments } from '@skiff/api'
import { event, type Steps, update } from '../runner/step.ts'
import { isOwnAnnotation, lastRevision, revisionOf, rollbackAnnotation } from './annotations.ts'
import { sameTemplate } from './newset.ts'

/** The revision that an old client asked for by annotation; 0 is the last one. Today's kubectl writes the template itself. */
export const wantedRollback = (deployment: Deployment): number | undefined => {
  const text = deployment.metadata.annotations?.[rollbackAnnotation]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

export const rollBack = (deployment: Deployment, sets: readonly ReplicaSet[], wanted: number): Steps => {
  const warn = (reason: string, message: string): Steps => [
    event(deployment, 'Warning', reason, message),
    update(deployments, withoutRollback(deployment)),
  ]
  const revision = wanted === 0 ? lastRevision(sets) : wanted
  if (revision === 0) return warn('DeploymentRollbackRevisionNotFound', 'Unable to find last revision.')
  const set = sets.find((one) => revisionOf(one) === revision)
  if (!set) return warn('DeploymentRollbackRevisionNotFound', 'Unable to find the revision to rollback to.')
  const { name } = deployment.metadata
  if (sameTemplate(set.spec.template, deployment.spec.template))
    return warn('DeploymentRollbackTemplateUnchanged', `The rollback revision contains the same template as current deployment "${name}"`)
  return [
    update(deployments, withoutRollback(rolledBack(deployment, set)), {
      done: () => [event(deployment, 'Normal', 'DeploymentRollback', `Rolled back deployment "${name}" to revision ${revision}`)],
    }),
  ]
}

const withoutRollback = (deployment: Deployment): Deployment => {
  const { [rollbackAnnotation]: _asked, ...annotations } = deployment.metadata.annotations ?? {}
  return { ...deployment, metadata: { ...deployment.metadata, annotations } }
}

/** The set's template and, of its annotations, those that came from the Deployment in its time (the change cause, for one). */
const rolledBack = (deployment: Deployment, set: ReplicaSet): Deployment => {
  const kept = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => isOwnAnnotation(name))
  const taken = Object.entries(set.metadata.annotations ?? {}).filter(([name]) => !isOwnAnnotation(name))
  const { 'pod-template-hash': _hash, ...labels } = set.spec.template?.metadata?.labels ?? {}
  const template = { ...set.spec.template, metadata: { ...set.spec.template?.metadata, labels } } as Deployment['spec']['template']
  return {
    ...deployment,
    metadata: { ...deployment.metadata, annotations: Object.fromEntries([...kept, ...taken]) },
    spec: { ...deployment.spec, template },
  }
}
