import { silentLog, systemEnv } from '@skiff/machinery'
import { applySteps, nftablesDataplane, observeMachine, planRemoval, serviceTable } from '@skiff/network'
import { removeEmptyCgroup, removeNodeFiles, teardownContainerd } from '@skiff/node'
import { networkOf } from './cluster-network.ts'
import { stopMembers } from './members.ts'
import { clusterCgroup, containerdOptions, nodePlaces } from './node-parts.ts'
import type { Place } from './place.ts'
import type { ClusterRecord } from './record.ts'

/** Takes away what the nodes of a cluster made on this machine. The server must have ended. With `keepData` objects and images stay. */
export const removeNodes = async (place: Place, record: ClusterRecord, keepData: boolean): Promise<void> => {
  const env = systemEnv(silentLog)
  const network = networkOf(record)
  await stopMembers(place, record)
  await Promise.all(network.nodes.map((node) => teardownContainerd(env, containerdOptions(place, node), { keepData })))
  for (const node of network.nodes) await removeNodeFiles(nodePlaces(place, node.name).root, { keepData })
  const host = nftablesDataplane(
    { name: serviceTable(record.name), family: 'ip', podRange: record.ranges.pods, serviceRange: record.ranges.services },
    env,
  )
  await host.remove()
  await applySteps(planRemoval(record.name, await observeMachine()))
  // The parent of all clusters goes with the last of them.
  for (const path of [clusterCgroup(place.name), parentCgroup]) await removeEmptyCgroup(path)
}

const parentCgroup = '/skiff'
