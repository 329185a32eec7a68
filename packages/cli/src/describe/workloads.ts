import { pod, replicaSet } from '@skiff/api'
import { controllerOf, formatLabelSelector, type JsonObject, parseTimeMs, sameJson } from '@skiff/machinery'
import { at, type Dynamic, listAt, mapAt, numberAt, textAt, withAt } from '../objects/fields.ts'
import { claimTemplateLines } from './claims.ts'
import { eventLines } from './event-lines.ts'
import { controllerLine, labelsText, line, nameLines, selectorText, tagLines, timeAt } from './lines.ts'
import type { Describer, Look } from './look.ts'
import { templateLines } from './template.ts'

const podStates = { Running: 'Running', Waiting: 'Pending', Succeeded: 'Succeeded', Failed: 'Failed' }

/** `2 Running / 0 Waiting / …` of the pods that a controller owns. */
const podStatusText = async (owner: Dynamic, labelSelector: string, look: Look): Promise<string> => {
  const pods = await look.list(pod, owner.metadata.namespace ?? '', { labelSelector })
  const own = pods.filter((each) => controllerOf(each)?.uid === owner.metadata.uid)
  return Object.entries(podStates)
    .map(([name, phase]) => `${own.filter((each) => textAt(each, 'status.phase') === phase).length} ${name}`)
    .join(' / ')
}

const template = (object: Dynamic): string[] => templateLines(at(object, 'spec.template') as JsonObject | undefined)

const conditionLines = (object: Dynamic): string[] => {
  const conditions = listAt(object, 'status.conditions')
  if (conditions.length === 0) return []
  return [
    'Conditions:',
    line(1, 'Type\tStatus\tReason'),
    line(1, '----\t------\t------'),
    ...conditions.map((each) => line(1, `${textAt(each, 'type')} \t${textAt(each, 'status')}\t${textAt(each, 'reason')}`)),
  ]
}

const currentText = (object: Dynamic): string =>
  `Replicas:\t${numberAt(object, 'status.replicas')} current / ${numberAt(object, 'spec.replicas')} desired`

export const describeReplicationController: Describer = async (object, look) => {
  const selector = mapAt(object, 'spec.selector')
  const query = Object.entries(selector).map(([key, value]) => `${key}=${value}`)
  return [
    ...nameLines(object),
    `Selector:\t${labelsText(selector)}`,
    ...tagLines(object),
    currentText(object),
    `Pods Status:\t${await podStatusText(object, query.join(','), look)}`,
    ...template(object),
    ...conditionLines(object),
    ...(await eventLines(object, look)),
  ]
}

export const describeReplicaSet: Describer = async (object, look) => {
  const status = await podStatusText(object, selectorText(object, 'spec.selector'), look).catch(
    (error: Error) => `error in fetching pods: ${error.message}`,
  )
  return [
    ...nameLines(object),
    `Selector:\t${formatLabelSelector(mapAt(object, 'spec.selector') as never)}`,
    ...tagLines(object),
    ...controllerLine(object),
    currentText(object),
    `Pods Status:\t${status}`,
    ...template(object),
    ...conditionLines(object),
    ...(await eventLines(object, look)),
  ]
}

export const describeDaemonSet: Describer = async (object, look) => {
  const count = (path: string): number => numberAt(object, `status.${path}`)
  const selector = selectorText(object, 'spec.selector')
  return [
    ...nameLines(object),
    `Selector:\t${selector}`,
    `Node-Selector:\t${labelsText(mapAt(object, 'spec.template.spec.nodeSelector'))}`,
    ...tagLines(object),
    `Desired Number of Nodes Scheduled: ${count('desiredNumberScheduled')}`,
    `Current Number of Nodes Scheduled: ${count('currentNumberScheduled')}`,
    `Number of Nodes Scheduled with Up-to-date Pods: ${count('updatedNumberScheduled')}`,
    `Number of Nodes Scheduled with Available Pods: ${count('numberAvailable')}`,
    `Number of Nodes Misscheduled: ${count('numberMisscheduled')}`,
    `Pods Status:\t${await podStatusText(object, selector, look)}`,
    ...template(object),
    ...(await eventLines(object, look)),
  ]
}

export const describeStatefulSet: Describer = async (object, look) => {
  const selector = selectorText(object, 'spec.selector')
  const rolling = mapAt(object, 'spec.updateStrategy.rollingUpdate')
  const rollingLines =
    rolling.partition === undefined
      ? []
      : [
          line(1, `Partition:\t${rolling.partition}`),
          ...(rolling.maxUnavailable === undefined ? [] : [line(1, `MaxUnavailable:\t${rolling.maxUnavailable}`)]),
        ]
  return [
    ...nameLines(object),
    `CreationTimestamp:\t${timeAt(object, 'metadata.creationTimestamp')}`,
    `Selector:\t${selector}`,
    ...tagLines(object),
    `Replicas:\t${numberAt(object, 'spec.replicas')} desired | ${numberAt(object, 'status.replicas')} total`,
    `Update Strategy:\t${textAt(object, 'spec.updateStrategy.type')}`,
    ...rollingLines,
    `Pods Status:\t${await podStatusText(object, selector, look)}`,
    ...template(object),
    ...claimTemplateLines(object),
    ...(await eventLines(object, look)),
  ]
}

const hashLabel = ['metadata', 'labels', 'pod-template-hash']
const bareTemplate = (object: Dynamic): JsonObject => {
  const bare = withAt(mapAt(object, 'spec.template'), hashLabel, undefined)
  return Object.keys(mapAt(bare, 'metadata.labels')).length === 0 ? withAt(bare, 'metadata.labels', undefined) : bare
}

/** The replica sets of a deployment: the one of its template, and all others, oldest first. */
const replicaSetsOf = async (
  deployment: Dynamic,
  look: Look,
): Promise<{ readonly now: readonly Dynamic[]; readonly old: readonly Dynamic[] }> => {
  const query = { labelSelector: selectorText(deployment, 'spec.selector') }
  const sets = (await look.list(replicaSet, deployment.metadata.namespace ?? '', query))
    .filter((set) => controllerOf(set)?.uid === deployment.metadata.uid)
    .sort(
      (a, b) =>
        parseTimeMs(a.metadata.creationTimestamp) - parseTimeMs(b.metadata.creationTimestamp) ||
        (a.metadata.name < b.metadata.name ? -1 : 1),
    )
  const wanted = bareTemplate(deployment)
  const now = sets.filter((set) => sameJson(bareTemplate(set), wanted)).slice(0, 1)
  return { now, old: sets.filter((set) => !now.includes(set)) }
}

const replicaSetsText = (sets: readonly Dynamic[]): string =>
  sets
    .map((set) => `${set.metadata.name} (${numberAt(set, 'status.replicas')}/${numberAt(set, 'spec.replicas')} replicas created)`)
    .join(', ') || '<none>'

export const describeDeployment: Describer = async (object, look) => {
  const count = (path: string): number => numberAt(object, path)
  const rolling = at(object, 'spec.strategy.rollingUpdate')
  const { now, old } = await replicaSetsOf(object, look).catch(() => ({ now: [], old: [] }))
  return [
    ...nameLines(object),
    `CreationTimestamp:\t${timeAt(object, 'metadata.creationTimestamp')}`,
    ...tagLines(object),
    `Selector:\t${selectorText(object, 'spec.selector')}`,
    `Replicas:\t${count('spec.replicas')} desired | ${count('status.updatedReplicas')} updated | ${count('status.replicas')} total | ${count('status.availableReplicas')} available | ${count('status.unavailableReplicas')} unavailable`,
    `StrategyType:\t${textAt(object, 'spec.strategy.type')}`,
    `MinReadySeconds:\t${count('spec.minReadySeconds')}`,
    ...(rolling === undefined
      ? []
      : [`RollingUpdateStrategy:\t${textAt(rolling, 'maxUnavailable')} max unavailable, ${textAt(rolling, 'maxSurge')} max surge`]),
    ...template(object),
    ...conditionLines(object),
    ...(now.length + old.length === 0 ? [] : [`OldReplicaSets:\t${replicaSetsText(old)}`, `NewReplicaSet:\t${replicaSetsText(now)}`]),
    ...(await eventLines(object, look)),
  ]
}
