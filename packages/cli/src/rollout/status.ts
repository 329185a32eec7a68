import { at, type Dynamic, listAt, numberAt, textAt } from '../objects/fields.ts'
import { UsageError } from '../usage-error.ts'

/** Where a rollout stands: a sentence, and whether it is over. */
export interface RolloutStatus {
  readonly text: string
  readonly done: boolean
}

const waiting = (text: string): RolloutStatus => ({ text, done: false })

const deploymentStatus = (object: Dynamic, revision: number): RolloutStatus => {
  const name = object.metadata.name
  if (revision > 0) {
    const now = Number(textAt(object, ['metadata', 'annotations', 'deployment.kubernetes.io/revision']) || 0)
    if (now !== revision) throw new UsageError(`desired revision (${revision}) is different from the running revision (${now})`)
  }
  if ((object.metadata.generation ?? 0) > numberAt(object, 'status.observedGeneration'))
    return waiting('Waiting for deployment spec update to be observed...')
  const progressing = listAt(object, 'status.conditions').find(({ type }) => type === 'Progressing')
  if (progressing?.reason === 'ProgressDeadlineExceeded')
    throw new UsageError(`deployment ${JSON.stringify(name)} exceeded its progress deadline`)
  const [wanted, all, updated, available] = [
    numberAt(object, 'spec.replicas'),
    numberAt(object, 'status.replicas'),
    numberAt(object, 'status.updatedReplicas'),
    numberAt(object, 'status.availableReplicas'),
  ]
  const about = `Waiting for deployment ${JSON.stringify(name)} rollout to finish:`
  if (updated < wanted) return waiting(`${about} ${updated} out of ${wanted} new replicas have been updated...`)
  if (all > updated) return waiting(`${about} ${all - updated} old replicas are pending termination...`)
  if (available < updated) return waiting(`${about} ${available} of ${updated} updated replicas are available...`)
  return { text: `deployment ${JSON.stringify(name)} successfully rolled out`, done: true }
}

const daemonSetStatus = (object: Dynamic): RolloutStatus => {
  const name = JSON.stringify(object.metadata.name)
  if (textAt(object, 'spec.updateStrategy.type') !== 'RollingUpdate')
    throw new UsageError('rollout status is only available for RollingUpdate strategy type')
  if ((object.metadata.generation ?? 0) > numberAt(object, 'status.observedGeneration'))
    return waiting('Waiting for daemon set spec update to be observed...')
  const [wanted, updated, available] = [
    numberAt(object, 'status.desiredNumberScheduled'),
    numberAt(object, 'status.updatedNumberScheduled'),
    numberAt(object, 'status.numberAvailable'),
  ]
  if (updated < wanted)
    return waiting(`Waiting for daemon set ${name} rollout to finish: ${updated} out of ${wanted} new pods have been updated...`)
  if (available < wanted)
    return waiting(`Waiting for daemon set ${name} rollout to finish: ${available} of ${wanted} updated pods are available...`)
  return { text: `daemon set ${name} successfully rolled out`, done: true }
}

const statefulSetStatus = (object: Dynamic): RolloutStatus => {
  if (textAt(object, 'spec.updateStrategy.type') !== 'RollingUpdate')
    throw new UsageError('rollout status is only available for RollingUpdate strategy type')
  const observed = numberAt(object, 'status.observedGeneration')
  if (observed === 0 || (object.metadata.generation ?? 0) > observed)
    return waiting('Waiting for statefulset spec update to be observed...')
  const [wanted, ready, updated] = [
    numberAt(object, 'spec.replicas'),
    numberAt(object, 'status.readyReplicas'),
    numberAt(object, 'status.updatedReplicas'),
  ]
  if (ready < wanted) return waiting(`Waiting for ${wanted - ready} pods to be ready...`)
  // The server fills it in, so with a partition of 0 a roll out is called partitioned too, as kubectl does.
  if (at(object, 'spec.updateStrategy.rollingUpdate')) {
    const partition = numberAt(object, 'spec.updateStrategy.rollingUpdate.partition')
    if (updated < wanted - partition)
      return waiting(`Waiting for partitioned roll out to finish: ${updated} out of ${wanted - partition} new pods have been updated...`)
    return { text: `partitioned roll out complete: ${updated} new pods have been updated...`, done: true }
  }
  const [current, update] = [textAt(object, 'status.currentRevision'), textAt(object, 'status.updateRevision')]
  if (current !== update) return waiting(`waiting for statefulset rolling update to complete ${updated} pods at revision ${update}...`)
  return {
    text: `statefulset rolling update complete ${numberAt(object, 'status.currentReplicas')} pods at revision ${current}...`,
    done: true,
  }
}

/** kubectl rollout status of one object. Throws what ends the waiting badly. */
export const rolloutStatus = (kind: string, object: Dynamic, revision: number): RolloutStatus => {
  switch (kind) {
    case 'Deployment':
      return deploymentStatus(object, revision)
    case 'DaemonSet':
      return daemonSetStatus(object)
    case 'StatefulSet':
      return statefulSetStatus(object)
    default:
      throw new UsageError(`no status viewer has been implemented for ${kind}`)
  }
}
