import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { node } from '@skiff/api'
import { type ApiServer, issueCertificate, loopbackIdentity } from '@skiff/apiserver'
import type { NodeNetwork } from '@skiff/network'
import { nodeIdentity, proxyIdentity } from './identities.ts'
import { kubeconfigText } from './kubeconfig.ts'
import type { MachineNodesOptions } from './machine-nodes-options.ts'
import { memberFiles, memberMark, stopMembers, writeMark } from './members.ts'
import { socketConnection } from './node-socket.ts'
import { markOf, readRecord } from './record.ts'

/** The nodes after the first: each a process in a network namespace of its own. */
export interface MemberNodes {
  /** Starts every node that is not running, and again whenever one ends; resolves when all have registered. */
  start(api: ApiServer): Promise<void>
  stop(): Promise<void>
}

const watchMs = 1000
const registerMs = 60_000

export const createMemberNodes = ({ place, record, network, env, directory, progress }: MachineNodesOptions): MemberNodes => {
  const stopping = new AbortController()
  const members = network.nodes.filter((node) => node.number !== 1)
  const log = env.log.child('members')

  const wanted = (node: NodeNetwork): boolean => readRecord(place)?.nodes.find((each) => each.name === node.name)?.stopped !== true
  const launch = (node: NodeNetwork): void => {
    const files = memberFiles(place, node.name)
    const journal = openSync(place.journal, 'a', 0o640)
    const entry = process.argv[1] as string
    const args = [
      `--net=${node.netns}`,
      process.execPath,
      ...process.execArgv,
      entry,
      'agent',
      '--name',
      record.name,
      '--dir',
      place.dir,
      '--node',
      node.name,
    ]
    const child = spawn('nsenter', args, { detached: true, stdio: ['ignore', journal, journal], cwd: '/' })
    closeSync(journal)
    child.unref()
    child.on('error', (error) => log.error('a node could not be started', { node: node.name, error: error.message }))
    const mark = child.pid ? markOf(child.pid) : undefined
    if (mark) writeMark(place, node.name, mark)
    log.info('node process started', { node: node.name, pid: child.pid, socket: files.socket })
  }
  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      for (const node of members) if (wanted(node) && !memberMark(place, node.name)) launch(node)
      await env.sleep(watchMs, stopping.signal)
    }
  }
  let keeping: Promise<void> | undefined
  return {
    start: async (api) => {
      if (members.length === 0) return
      await Promise.all(members.map((node) => writeConfigs(place, network.nodes[0] as NodeNetwork, node, api, env)))
      for (const node of members) directory.set(node.name, socketConnection(memberFiles(place, node.name).socket, node.name))
      keeping = keep()
      const names = members.filter(wanted).map((node) => node.name)
      await registered(api, names, env, progress)
    },
    stop: async () => {
      stopping.abort()
      await keeping
      await stopMembers(place, record)
    },
  }
}

/** The kubeconfigs of a node's agent and of its proxy, with certificates of their own. */
const writeConfigs = async (
  place: MachineNodesOptions['place'],
  host: NodeNetwork,
  node: NodeNetwork,
  api: ApiServer,
  env: MachineNodesOptions['env'],
): Promise<void> => {
  const files = memberFiles(place, node.name)
  mkdirSync(files.root, { recursive: true, mode: 0o755 })
  const { clients } = api.authorities
  const server = `https://${host.address}:${api.port}`
  const write = async (path: string, commonName: string, organizations: readonly string[]): Promise<void> => {
    const pair = await issueCertificate(clients, { subject: { commonName, organizations }, days: 365, usages: ['client'] }, env)
    writeFileSync(path, kubeconfigText('skiff', server, clients.cert, pair), { mode: 0o600 })
  }
  await write(files.nodeConfig, nodeIdentity(node.name).name, ['system:nodes'])
  await write(files.proxyConfig, proxyIdentity.name, [])
}

const registered = async (
  api: ApiServer,
  names: readonly string[],
  env: MachineNodesOptions['env'],
  progress: (step: string) => void,
): Promise<void> => {
  const missing = new Set(names)
  const deadline = env.monotonicMs() + registerMs
  while (missing.size > 0) {
    if (env.monotonicMs() > deadline)
      throw new Error(`node(s) ${[...missing].join(', ')} did not become ready within ${registerMs / 1000} s; see \`skiff journal\``)
    for (const name of missing) {
      if (!(await isReady(api, name))) continue
      missing.delete(name)
      progress(`node ${name}`)
    }
    await env.sleep(50)
  }
}

const isReady = async (api: ApiServer, name: string): Promise<boolean> => {
  const found = await api
    .client(loopbackIdentity)
    .get(node, { name })
    .catch(() => undefined)
  return found?.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false
}
