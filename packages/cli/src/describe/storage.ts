import { pod as podResource } from '@skiff/api'
import type { JsonObject } from '@skiff/machinery'
import { at, type Dynamic, listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { accessModesText, claimLines, storageClassOf } from './claims.ts'
import { eventLines } from './event-lines.ts'
import { capitalBool, labelsText, line, listText, nameLine, optionalLine, quantityText, tagLines, timeAt } from './lines.ts'
import type { Describer, Look } from './look.ts'
import { terminatingText } from './times.ts'
import { persistentSourceLines } from './volumes.ts'

const requirementText = (requirement: JsonObject, operator: string): string => {
  const values = textsAt(requirement, 'values')
  return `${textAt(requirement, 'key')} ${operator}${values.length === 0 ? '' : ` [${values.join(', ')}]`}`
}

/** The requirements of one term, one a line. */
const termLines = (level: number, title: string, requirements: readonly string[]): string[] =>
  requirements.length === 0
    ? [line(level, `${title}:\t<none>`)]
    : requirements.map((text, i) => line(level, `${i === 0 ? `${title}:` : ''}\t${text}`))

const affinityLines = (volume: Dynamic): string[] => {
  if (at(volume, 'spec.nodeAffinity.required') === undefined) return ['Node Affinity:\t<none>']
  const terms = listAt(volume, 'spec.nodeAffinity.required.nodeSelectorTerms')
  return [
    'Node Affinity:\t',
    line(1, `Required Terms:\t${terms.length === 0 ? '<none>' : ''}`),
    ...terms.flatMap((term, i) =>
      termLines(
        2,
        `Term ${i}`,
        listAt(term, 'matchExpressions').map((each) => requirementText(each, textAt(each, 'operator').toLowerCase())),
      ),
    ),
  ]
}

export const describePersistentVolume: Describer = async (volume, look) => {
  const claim = mapAt(volume, 'spec.claimRef')
  return [
    nameLine(volume),
    ...tagLines(volume),
    `Finalizers:\t${listText(textsAt(volume, 'metadata.finalizers'))}`,
    `StorageClass:\t${storageClassOf(volume)}`,
    `Status:\t${terminatingText(volume, look.nowMs) ?? textAt(volume, 'status.phase')}`,
    `Claim:\t${at(volume, 'spec.claimRef') === undefined ? '' : `${textAt(claim, 'namespace')}/${textAt(claim, 'name')}`}`,
    `Reclaim Policy:\t${textAt(volume, 'spec.persistentVolumeReclaimPolicy')}`,
    `Access Modes:\t${accessModesText(textsAt(volume, 'spec.accessModes'))}`,
    ...optionalLine('VolumeMode', at(volume, 'spec.volumeMode')),
    `Capacity:\t${quantityText(at(volume, 'spec.capacity.storage'))}`,
    ...affinityLines(volume),
    `Message:\t${textAt(volume, 'status.message')}`,
    'Source:',
    ...persistentSourceLines(mapAt(volume, 'spec')),
    ...(await eventLines(volume, look)),
  ]
}

/** The pods that use a claim, and those that own it. */
const usersOf = async (claim: Dynamic, look: Look): Promise<string[]> => {
  const pods = await look.list(podResource, claim.metadata.namespace ?? '')
  const owners = new Set(claim.metadata.ownerReferences?.filter(({ kind }) => kind === 'Pod').map(({ uid }) => uid))
  const uses = (pod: Dynamic): number =>
    listAt(pod, 'spec.volumes').filter((volume) => textAt(volume, 'persistentVolumeClaim.claimName') === claim.metadata.name).length
  return pods.flatMap((pod) => Array<string>(uses(pod) || (owners.has(pod.metadata.uid) ? 1 : 0)).fill(pod.metadata.name)).sort()
}

const claimConditionLines = (conditions: readonly JsonObject[]): string[] =>
  conditions.length === 0
    ? []
    : [
        'Conditions:',
        line(1, 'Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage'),
        line(1, '----\t------\t-----------------\t------------------\t------\t-------'),
        ...conditions.map((each) => {
          const times = `${timeAt(each, 'lastProbeTime')} \t${timeAt(each, 'lastTransitionTime')} `
          return line(
            1,
            `${textAt(each, 'type')} \t${textAt(each, 'status')} \t${times}\t${textAt(each, 'reason')} \t${textAt(each, 'message')}`,
          )
        }),
      ]

export const describePersistentVolumeClaim: Describer = async (claim, look) => {
  const users = await usersOf(claim, look)
  return [
    ...claimLines(claim, look.nowMs),
    ...(users.length === 0 ? ['Used By:\t<none>'] : users.map((name, i) => `${i === 0 ? 'Used By:' : ''}\t${name}`)),
    ...claimConditionLines(listAt(claim, 'status.conditions')),
    ...(await eventLines(claim, look)),
  ]
}

const defaultKeys = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

const topologyLines = (object: Dynamic): string[] => {
  if (object.allowedTopologies === undefined) return []
  const terms = listAt(object, 'allowedTopologies')
  if (terms.length === 0) return ['AllowedTopologies:\t<none>']
  return [
    'AllowedTopologies:\t',
    ...terms.flatMap((term, i) =>
      termLines(
        1,
        `Term ${i}`,
        listAt(term, 'matchLabelExpressions').map((each) => requirementText(each, 'in')),
      ),
    ),
  ]
}

export const describeStorageClass: Describer = async (object, look) => {
  const annotations = mapAt(object, 'metadata.annotations')
  const options = textsAt(object, 'mountOptions')
  return [
    nameLine(object),
    `IsDefaultClass:\t${defaultKeys.some((key) => annotations[key] === 'true') ? 'Yes' : 'No'}`,
    `Annotations:\t${labelsText(annotations)}`,
    `Provisioner:\t${textAt(object, 'provisioner')}`,
    `Parameters:\t${labelsText(mapAt(object, 'parameters'))}`,
    `AllowVolumeExpansion:\t${object.allowVolumeExpansion === undefined ? '<unset>' : capitalBool(object.allowVolumeExpansion)}`,
    ...(options.length === 0 ? ['MountOptions:\t<none>'] : ['MountOptions:', ...options.map((option) => line(1, option))]),
    ...optionalLine('ReclaimPolicy', object.reclaimPolicy),
    ...optionalLine('VolumeBindingMode', object.volumeBindingMode),
    ...topologyLines(object),
    ...(await eventLines(object, look)),
  ]
}

export const describeVolumeAttributesClass: Describer = async (object, look) => [
  nameLine(object),
  `Annotations:\t${labelsText(mapAt(object, 'metadata.annotations'))}`,
  `DriverName:\t${textAt(object, 'driverName')}`,
  `Parameters:\t${labelsText(mapAt(object, 'parameters'))}`,
  ...(await eventLines(object, look)),
]

const driverLines = (driver: JsonObject): string[] => {
  const count = at(driver, 'allocatable.count')
  return [
    line(2, `${textAt(driver, 'name')}:`),
    line(3, `Node ID:\t${textAt(driver, 'nodeID')}`),
    ...(count === undefined ? [] : [line(3, 'Allocatables:'), line(4, `Count:\t${count}`)]),
    ...(driver.topologyKeys ? [line(3, `Topology Keys:\t${listText(textsAt(driver, 'topologyKeys'))}`)] : []),
  ]
}

export const describeCsiNode: Describer = async (object, look) => [
  nameLine(object),
  ...tagLines(object),
  `CreationTimestamp:\t${timeAt(object, 'metadata.creationTimestamp')}`,
  'Spec:',
  ...(at(object, 'spec.drivers') ? [line(1, 'Drivers:'), ...listAt(object, 'spec.drivers').flatMap(driverLines)] : []),
  ...(await eventLines(object, look)),
]
