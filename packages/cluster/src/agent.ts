import { chmodSync } from 'node:fs'
import { type Client, chooseConnection, connect, type Identity, overHttp, readKubeconfigs } from '@skiff/client'
import { systemEnv } from '@skiff/machinery'
import { startContainerd } from '@skiff/node'
import { networkOf } from './cluster-network.ts'
import { nodeIdentity, proxyIdentity } from './identities.ts'
import { openJournal } from './journal.ts'
import { memberFiles } from './members.ts'
import { containerdOptions, startNodeParts } from './node-parts.ts'
import { serveNode } from './node-socket.ts'
import { placeAt } from './place.ts'
import { readRecord } from './record.ts'
import { UserError } from './talk.ts'

/** `skiff agent`: one node of a cluster on this machine, in the network namespace that this process was started in. */
export const agent = async (name: string, dir: string, nodeName: string): Promise<void> => {
  const place = placeAt(name, dir)
  const record = readRecord(place)
  const network = record ? networkOf(record) : undefined
  const node = network?.nodes.find((each) => each.name === nodeName)
  if (!network || !node) throw new UserError(`there is no node ${nodeName} in ${dir}`)
  const files = memberFiles(place, nodeName)
  const env = systemEnv(openJournal(files.journal, { now: systemEnv().now, node: nodeName }))
  const { netns: _, ...here } = containerdOptions(place, node)
  const containerd = await startContainerd({ ...env, log: env.log.child('containerd') }, here)
  const parts = await startNodeParts({
    place,
    network,
    node,
    runtime: containerd.runtime,
    env,
    nodeClient: await clientOf(files.nodeConfig, nodeIdentity(nodeName)),
    proxyClient: await clientOf(files.proxyConfig, proxyIdentity),
  })
  const close = await serveNode(parts.agent.service, files.socket)
  chmodSync(files.socket, 0o600)
  env.log.info('node runs', { pid: process.pid })
  const stop = async (): Promise<void> => {
    await close()
    await parts.stop()
    await containerd.release()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop())
  process.on('SIGINT', () => void stop())
  process.on('SIGHUP', () => {})
  process.on('unhandledRejection', (error) =>
    env.log.error('unhandled rejection', { error: String(error instanceof Error ? error.stack : error) }),
  )
}

const clientOf = async (kubeconfig: string, identity: Identity): Promise<Client> => {
  const { http } = await chooseConnection(readKubeconfigs([kubeconfig]), {})
  return connect(overHttp(http), identity, 'skiff-agent')
}
