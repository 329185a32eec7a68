import { node as nodes } from '@skiff/api'
import { silentLog, systemEnv } from '@skiff/machinery'
import { applySteps, type ClusterNetwork, type NodeNetwork, planCut, planMend } from '@skiff/network'
import { removeNodeFiles, teardownContainerd } from '@skiff/node'
import { adminClient } from './admin-client.ts'
import { hasRealNodes, networkOf } from './cluster-network.ts'
import { withClusterLock } from './lock.ts'
import { memberMark, stopMember } from './members.ts'
import { containerdOptions, nodePlaces } from './node-parts.ts'
import { isReady } from './node-readiness.ts'
import type { Place } from './place.ts'
import { isRunning } from './process-mark.ts'
import { type ClusterRecord, changeRecord, requireRecord } from './record.ts'
import { type Tell, UserError } from './talk.ts'

interface Target {
  readonly place: Place
  readonly record: ClusterRecord
  readonly network: ClusterNetwork
  readonly node: NodeNetwork
}

/** `skiff node stop|start|cut|mend NAME`. */
export const nodeCommand = (verb: 'stop' | 'start' | 'cut' | 'mend', nodeName: string, clusterName: string, tell: Tell): Promise<void> => {
  requireRecord(clusterName)
  return withClusterLock(clusterName, async () => {
    const { place, record: held } = requireRecord(clusterName)
    if (held.simulatedNodes !== undefined)
      return (await import('./stage-node-commands.ts')).stageNodeCommand(place, held, verb, nodeName, tell)
    const target = targetOf(clusterName, nodeName)
    if (verb === 'stop') return stop(target, tell)
    if (verb === 'start') return start(target, tell)
    const { record, network, node } = target
    if (!isRunning(record.server)) throw new UserError(notRunning(record))
    await applySteps(verb === 'cut' ? planCut(network, node) : planMend(network, node))
    tell(`the network of ${nodeName} is ${verb === 'cut' ? 'cut' : 'whole again'}`)
  })
}

const notRunning = ({ name }: ClusterRecord): string => `cluster ${name} is not running; start it with \`skiff up --name ${name}\``

const targetOf = (clusterName: string, nodeName: string): Target => {
  const { place, record } = requireRecord(clusterName)
  if (!hasRealNodes(record)) throw new UserError('this cluster runs no real containers: there is nothing to stop or to cut')
  const network = networkOf(record)
  const node = network.nodes.find((each) => each.name === nodeName)
  if (!node) throw new UserError(`there is no node ${nodeName}; there are ${network.nodes.map((each) => each.name).join(', ')}`)
  return { place, record, network, node }
}

const mark = ({ place, node }: Target, stopped: boolean): void =>
  changeRecord(place, (record) => ({
    ...record,
    nodes: record.nodes.map(({ stopped: before, ...each }) => {
      const wanted = each.name === node.name ? stopped : before
      return wanted ? { ...each, stopped: true } : each
    }),
  }))

const stop = async (target: Target, tell: Tell): Promise<void> => {
  const { place, node } = target
  if (node.number === 1) throw new UserError(`${node.name} is this machine itself; \`skiff down\` ends it`)
  mark(target, true)
  await stopMember(place, node.name)
  await teardownContainerd(systemEnv(silentLog), containerdOptions(place, node), { keepData: true })
  // The server may have started it once more before it saw the mark.
  await stopMember(place, node.name)
  await removeNodeFiles(nodePlaces(place, node.name).root, { keepData: true })
  tell(`node ${node.name} is stopped`)
}

const readyMs = 60_000

/** A node whose network is cut or that is overfull may take longer than anyone waits; it goes on trying. */
const start = async (target: Target, tell: Tell): Promise<void> => {
  const { place, record, node } = target
  const ran = memberMark(place, node.name) !== undefined || node.number === 1
  mark(target, false)
  if (!isRunning(record.server)) {
    tell(`cluster ${record.name} is not running: node ${node.name} starts with it at the next \`skiff up --name ${record.name}\``)
    return
  }
  const env = systemEnv()
  const began = env.monotonicMs()
  const client = await adminClient(place)
  // What the API holds of a node that ended a moment ago is still its last word: only what it says from now on counts.
  const sinceMs = ran ? 0 : env.now()
  while (!isReady(await client.get(nodes, { name: node.name }).catch(() => undefined), sinceMs)) {
    if (env.monotonicMs() - began > readyMs)
      throw new UserError(
        `node ${node.name} was started and is not Ready after ${readyMs / 1000} s; it goes on trying: \`skiff journal node --name ${record.name}\` and \`kubectl describe node ${node.name}\` say more`,
      )
    await env.sleep(100)
  }
  tell(`node ${node.name} is started and Ready`)
}
