import { silentLog, systemEnv } from '@skiff/machinery'
import { applySteps, nftablesDataplane, observeMachine, planRemoval, serviceTable } from '@skiff/network'
import { removeNodeFiles, teardownContainerd } from '@skiff/node'
import { stopMembers } from './members.ts'
import { containerdOptions, nodePlaces } from './node-parts.ts'
import { isRoot, type Place } from './place.ts'
import { type ClusterRecord, isRunning, requireRecord, UserError, writeRecord } from './record.ts'
import { networkOf } from './server-process.ts'
import { removeCluster, type Tell } from './up.ts'

const stopMs = 20_000

/** Ends a cluster and removes what it made on the machine; with `keepData` its objects and images stay for the next `up`. */
export const down = async (name: string, keepData: boolean, tell: Tell): Promise<void> => {
  const { place, record } = requireRecord(name)
  if (record.runtime === 'containerd' && !record.controlPlaneOnly && !isRoot())
    throw new UserError('this cluster runs real containers; use sudo to take it down')
  await stopServer(record)
  tell('server stopped')
  if (record.runtime === 'containerd' && !record.controlPlaneOnly) {
    await removeNodes(place, record, keepData)
    tell('containers, networks and mounts removed')
  }
  if (keepData) {
    const { server: _, ...rest } = record
    writeRecord(place, rest)
    tell(`data kept in ${place.dir}`)
  } else removeCluster(place)
  tell(`cluster ${name} is down`)
}

/** Asks the server to end, and ends it by force when it does not. */
export const stopServer = async (record: ClusterRecord): Promise<void> => {
  const { server } = record
  if (!server || !isRunning(server)) return
  const env = systemEnv()
  process.kill(server.pid, 'SIGTERM')
  const deadline = env.monotonicMs() + stopMs
  while (isRunning(server)) {
    await env.sleep(20)
    if (env.monotonicMs() > deadline) {
      if (isRunning(server)) process.kill(server.pid, 'SIGKILL')
      await env.sleep(100)
      return
    }
  }
}

const removeNodes = async (place: Place, record: ClusterRecord, keepData: boolean): Promise<void> => {
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
}
