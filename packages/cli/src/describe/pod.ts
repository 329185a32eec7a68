import type { JsonObject } from '@skiff/machinery'
import { at, listAt, mapAt, numberAt, textAt } from '../objects/fields.ts'
import { containerLines, type FieldResolver, resourceLines } from './containers.ts'
import { eventTable } from './event-lines.ts'
import { controllerLine, labelLines, line, nameLines, optionalLine, tagLines, timeText } from './lines.ts'
import type { Describer } from './look.ts'
import { qosClassOf } from './qos.ts'
import { spreadLines, tolerationLines } from './template.ts'
import { terminatingText } from './times.ts'
import { volumeLines } from './volumes.ts'

// kubectl itself knows the name and the namespace alone; all other fields stay without a value.
const resolverOf =
  (pod: JsonObject): FieldResolver =>
  (reference) => {
    const path = textAt(reference, 'fieldPath')
    return path === 'metadata.name' || path === 'metadata.namespace' ? textAt(pod, path) : ''
  }

const stateLines = (pod: JsonObject, nowMs: number): string[] => {
  const phase = textAt(pod, 'status.phase')
  const ending = phase === 'Failed' || phase === 'Succeeded' ? undefined : terminatingText(pod, nowMs)
  if (ending === undefined) return [`Status:\t${phase}`]
  return [`Status:\t${ending}`, `Termination Grace Period:\t${numberAt(pod, 'metadata.deletionGracePeriodSeconds')}s`]
}

const addressLines = (pod: JsonObject): string[] => {
  const addresses = listAt(pod, 'status.podIPs')
  return [
    `IP:\t${textAt(pod, 'status.podIP')}`,
    ...(addresses.length === 0 ? ['IPs:\t<none>'] : ['IPs:', ...addresses.map(({ ip }) => line(1, `IP:\t${ip}`))]),
  ]
}

const seccompLines = (pod: JsonObject): string[] => {
  const profile = at(pod, 'spec.securityContext.seccompProfile')
  if (profile === undefined) return []
  const type = textAt(profile, 'type')
  return [`SeccompProfile:\t${type}`, ...(type === 'Localhost' ? [`LocalhostProfile:\t${textAt(profile, 'localhostProfile')}`] : [])]
}

const conditionLines = (pod: JsonObject): string[] => {
  const conditions = listAt(pod, 'status.conditions')
  const gates = listAt(pod, 'spec.readinessGates')
  const statusOf = (type: string): string => textAt(conditions.find((each) => each.type === type) ?? {}, 'status') || '<none>'
  const table = (title: string, types: readonly string[]): string[] =>
    types.length === 0 ? [] : [`${title}:`, line(1, 'Type\tStatus'), ...types.map((type) => line(1, `${type} \t${statusOf(type)} `))]
  return [
    ...table(
      'Readiness Gates',
      gates.map((gate) => textAt(gate, 'conditionType')),
    ),
    ...table(
      'Conditions',
      conditions.map((condition) => textAt(condition, 'type')),
    ),
  ]
}

const allContainerLines = (pod: JsonObject): string[] =>
  (
    [
      ['Init Containers', 'initContainers', 'initContainerStatuses'],
      ['Containers', 'containers', 'containerStatuses'],
      ['Ephemeral Containers', 'ephemeralContainers', 'ephemeralContainerStatuses'],
    ] as const
  ).flatMap(([title, key, statuses]) => {
    const containers = listAt(pod, `spec.${key}`)
    if (containers.length === 0 && key !== 'containers') return []
    return containerLines(title, containers, listAt(pod, `status.${statuses}`), resolverOf(pod), '')
  })

/** The description of a pod without its events. */
export const podLines = (pod: JsonObject, nowMs: number): string[] => {
  const node = textAt(pod, 'spec.nodeName')
  const started = textAt(pod, 'status.startTime')
  return [
    ...nameLines(pod),
    ...optionalLine('Priority', at(pod, 'spec.priority')),
    ...optionalLine('Priority Class Name', at(pod, 'spec.priorityClassName')),
    ...optionalLine('Runtime Class Name', at(pod, 'spec.runtimeClassName')),
    ...optionalLine('Service Account', at(pod, 'spec.serviceAccountName')),
    `Node:\t${node === '' ? '<none>' : `${node}/${textAt(pod, 'status.hostIP')}`}`,
    ...(started === '' ? [] : [`Start Time:\t${timeText(started)}`]),
    ...tagLines(pod),
    ...stateLines(pod, nowMs),
    ...optionalLine('Reason', at(pod, 'status.reason')),
    ...optionalLine('Message', at(pod, 'status.message')),
    ...seccompLines(pod),
    ...addressLines(pod),
    ...controllerLine(pod),
    ...optionalLine('NominatedNodeName', at(pod, 'status.nominatedNodeName')),
    ...(at(pod, 'spec.resources') === undefined ? [] : ['Resources:', ...resourceLines(mapAt(pod, 'spec.resources'), 1)]),
    ...allContainerLines(pod),
    ...conditionLines(pod),
    ...volumeLines(listAt(pod, 'spec.volumes'), ''),
    `QoS Class:\t${qosClassOf(pod)}`,
    ...labelLines('Node-Selectors', mapAt(pod, 'spec.nodeSelector')),
    ...tolerationLines('Tolerations', listAt(pod, 'spec.tolerations')),
    ...spreadLines(listAt(pod, 'spec.topologySpreadConstraints'), ''),
  ]
}

export const describePod: Describer = async (pod, look) => {
  const { name, namespace = '', uid } = pod.metadata
  // A mirror pod's events carry the id that its node gave it.
  const mirrored = textAt(pod, ['metadata', 'annotations', 'kubernetes.io/config.mirror'])
  return [...podLines(pod, look.nowMs), ...eventTable(await look.events({ name, namespace, uid: mirrored || uid }), look.nowMs)]
}
