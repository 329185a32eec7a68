import { silentLog, systemEnv } from '@skiff/machinery'
import { applySteps, planCut, planMend } from '@skiff/network'
import { removeNodeFiles, teardownContainerd } from '@skiff/node'
import { memberMark, stopMember } from './members.ts'
import { containerdOptions, nodePlaces } from './node-parts.ts'
import { isRunning, requireRecord, UserError, writeRecord } from './record.ts'
import { networkOf } from './server-process.ts'
import type { Tell } from './up.ts'

/** `skiff node stop|start|cut|mend NAME`. */
export const nodeCommand = async (
  verb: 'stop' | 'start' | 'cut' | 'mend',
  nodeName: string,
  clusterName: string,
  tell: Tell,
): Promise<void> => {
  const { place, record } = requireRecord(clusterName)
  if (record.runtime !== 'containerd') throw new UserError('the nodes of this cluster are simulated: there is nothing to stop or to cut')
  const network = networkOf(record)
  const node = network.nodes.find((each) => each.name === nodeName)
  if (!node) throw new UserError(`there is no node ${nodeName}; there are ${network.nodes.map((each) => each.name).join(', ')}`)
  const mark = (stopped: boolean) =>
    writeRecord(place, {
      ...record,
      nodes: record.nodes.map((each) =>
        each.name === nodeName ? { name: each.name, number: each.number, ...(stopped ? { stopped } : {}) } : each,
      ),
    })
  switch (verb) {
    case 'cut':
      await applySteps(planCut(network, node))
      return tell(`the network of ${nodeName} is cut`)
    case 'mend':
      await applySteps(planMend(network, node))
      return tell(`the network of ${nodeName} is whole again`)
    case 'stop': {
      if (node.number === 1) throw new UserError(`${nodeName} is this machine itself; \`skiff down\` ends it`)
      mark(true)
      await stopMember(place, nodeName)
      await teardownContainerd(systemEnv(silentLog), containerdOptions(place, node), { keepData: true })
      await removeNodeFiles(nodePlaces(place, nodeName).root, { keepData: true })
      return tell(`node ${nodeName} is stopped`)
    }
    case 'start': {
      if (!isRunning(record.server)) throw new UserError(`cluster ${record.name} is not running; \`skiff up\` starts it with all its nodes`)
      mark(false)
      const env = systemEnv()
      const deadline = env.monotonicMs() + 10_000
      while (!memberMark(place, nodeName) && env.monotonicMs() < deadline) await env.sleep(100)
      return tell(`node ${nodeName} is started`)
    }
  }
}
