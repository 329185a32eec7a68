import { lease, pod } from '@skiff/api'
import { isRefusal, type JsonObject, sortedKeys } from '@skiff/machinery'
import { at, type Dynamic, listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { eventTable, involved } from './event-lines.ts'
import { line, nameLine, optionalLine, orNone, quantityText, tagLines, timeAt, timeText } from './lines.ts'
import type { Describer, Look } from './look.ts'
import { nodeResourceLines } from './node-resources.ts'

const rolePrefix = 'node-role.kubernetes.io/'

const rolesText = (node: Dynamic): string => {
  const labels = Object.entries(node.metadata.labels ?? {})
  const roles = labels.map(([key, value]) =>
    key.startsWith(rolePrefix) ? key.slice(rolePrefix.length) : key === 'kubernetes.io/role' ? value : '',
  )
  return orNone([...new Set(roles.filter((role) => role !== ''))].sort().join(','))
}

/** `key=value:effect` of a taint. */
const taintText = (taint: JsonObject): string => {
  const [key, value, effect] = [textAt(taint, 'key'), textAt(taint, 'value'), textAt(taint, 'effect')]
  if (effect === '') return value === '' ? key : `${key}=${value}:`
  return value === '' ? `${key}:${effect}` : `${key}=${value}:${effect}`
}
const taintLines = (taints: readonly JsonObject[]): string[] => {
  const order = (taint: JsonObject): string => `${textAt(taint, 'effect')},${textAt(taint, 'key')}`
  const sorted = [...taints].sort((a, b) => (order(a) < order(b) ? -1 : 1))
  return sorted.length === 0 ? ['Taints:\t<none>'] : sorted.map((taint, i) => `${i === 0 ? 'Taints:' : ''}\t${taintText(taint)}`)
}

const leaseLines = async (name: string, look: Look): Promise<string[]> => {
  try {
    const { spec } = await look.get(lease, name, 'kube-node-lease')
    const time = (path: string): string => (at(spec, path) === undefined ? '<unset>' : timeText(textAt(spec, path)))
    return [
      'Lease:',
      line(1, `HolderIdentity:\t${at(spec, 'holderIdentity') === undefined ? '<unset>' : textAt(spec, 'holderIdentity')}`),
      line(1, `AcquireTime:\t${time('acquireTime')}`),
      line(1, `RenewTime:\t${time('renewTime')}`),
    ]
  } catch (error) {
    if (!isRefusal(error)) throw error
    return [`Lease:\tFailed to get lease: ${error.message}`]
  }
}

const conditionLines = (conditions: readonly JsonObject[]): string[] =>
  conditions.length === 0
    ? []
    : [
        'Conditions:',
        line(1, 'Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage'),
        line(1, '----\t------\t-----------------\t------------------\t------\t-------'),
        ...conditions.map((each) => {
          const times = `${timeAt(each, 'lastHeartbeatTime')} \t${timeAt(each, 'lastTransitionTime')} `
          return line(
            1,
            `${textAt(each, 'type')} \t${textAt(each, 'status')} \t${times}\t${textAt(each, 'reason')} \t${textAt(each, 'message')}`,
          )
        }),
      ]

const amountLines = (title: string, amounts: JsonObject): string[] => {
  const names = sortedKeys(amounts)
  return names.length === 0 ? [] : [`${title}:`, ...names.map((name) => line(1, `${name}:\t${quantityText(amounts[name])}`))]
}

const systemInfo: Readonly<Record<string, string>> = {
  'Machine ID': 'machineID',
  'System UUID': 'systemUUID',
  'Boot ID': 'bootID',
  'Kernel Version': 'kernelVersion',
  'OS Image': 'osImage',
  'Operating System': 'operatingSystem',
  Architecture: 'architecture',
  'Container Runtime Version': 'containerRuntimeVersion',
  'Kubelet Version': 'kubeletVersion',
  'Kube-Proxy Version': 'kubeProxyVersion',
}

/** The events of a node: its agent names the node itself where controllers name its id. */
const nodeEventLines = async (node: Dynamic, look: Look): Promise<string[]> => {
  const about = involved(node)
  const events = await look.events(about)
  if (events === undefined) return []
  return eventTable([...events, ...((await look.events({ ...about, uid: about.name })) ?? [])], look.nowMs)
}

export const describeNode: Describer = async (node, look) => {
  const status = mapAt(node, 'status')
  const fieldSelector = `spec.nodeName=${node.metadata.name},status.phase!=Succeeded,status.phase!=Failed`
  const pods = await look.list(pod, '', { fieldSelector }).catch((error) => {
    if (isRefusal(error, 403)) return undefined
    throw error
  })
  return [
    nameLine(node),
    `Roles:\t${rolesText(node)}`,
    ...tagLines(node),
    `CreationTimestamp:\t${timeAt(node, 'metadata.creationTimestamp')}`,
    ...taintLines(listAt(node, 'spec.taints')),
    `Unschedulable:\t${at(node, 'spec.unschedulable') === true}`,
    ...(await leaseLines(node.metadata.name, look)),
    ...conditionLines(listAt(status, 'conditions')),
    'Addresses:',
    ...listAt(status, 'addresses').map(({ type, address }) => line(1, `${type}:\t${address}`)),
    ...amountLines('Capacity', mapAt(status, 'capacity')),
    ...amountLines('Allocatable', mapAt(status, 'allocatable')),
    'System Info:',
    ...Object.entries(systemInfo).map(([title, key]) => line(1, `${title}:\t${textAt(status, ['nodeInfo', key])}`)),
    ...optionalLine('PodCIDR', at(node, 'spec.podCIDR')),
    ...optionalLine('PodCIDRs', textsAt(node, 'spec.podCIDRs').join(',')),
    ...optionalLine('ProviderID', at(node, 'spec.providerID')),
    ...(pods ? nodeResourceLines(node, pods, look.nowMs) : ['Pods:\tnot authorized']),
    ...(await nodeEventLines(node, look)),
  ]
}
