import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { node } from '@skiff/api'
import { type ApiServer, issueCertificate, loopbackIdentity } from '@skiff/apiserver'
import type { Env, Log } from '@skiff/machinery'
import type { NodeNetwork } from '@skiff/network'
import { nodeIdentity, proxyIdentity } from './identities.ts'
import { kubeconfigText } from './kubeconfig.ts'
import type { MachineNodesOptions } from './machine-nodes-options.ts'
import { memberFiles, memberMark, stopMember, stopMembers, writeMark } from './members.ts'
import { isReady } from './node-readiness.ts'
import { socketConnection } from './node-socket.ts'
import type { Place } from './place.ts'
import { markOf } from './process-mark.ts'
import { readRecord } from './record.ts'
import { endedAt, startedAt } from './respawn.ts'

/** The nodes after the first: each a process in a network namespace of its own. */
export interface MemberNodes {
  /** Starts every node that is not running, and again whenever one ends; resolves when all are ready, or after a minute. */
  start(api: ApiServer): Promise<void>
  stop(): Promise<void>
}

const watchMs = 1000
const registerMs = 60_000

export const createMemberNodes = (options: MachineNodesOptions): MemberNodes => {
  const { place, record, network, env, directory, progress } = options
  const stopping = new AbortController()
  const members = network.nodes.filter((node) => node.number !== 1)
  const wanted = (node: NodeNetwork): boolean => readRecord(place)?.nodes.find((each) => each.name === node.name)?.stopped !== true
  let keeping: Promise<unknown> | undefined
  return {
    start: async (api) => {
      if (members.length === 0) return
      await Promise.all(members.map((node) => writeConfigs(place, network.nodes[0] as NodeNetwork, node, api, env)))
      for (const node of members) directory.set(node.name, socketConnection(memberFiles(place, node.name).socket, node.name))
      const sinceMs = env.now()
      const waiting = members.filter(wanted).map(({ name }) => ({ name, sinceMs: memberMark(place, name) ? 0 : sinceMs }))
      keeping = Promise.all(members.map((node) => keepRunning(options, node, wanted, stopping.signal)))
      await registered(api, waiting, env, progress)
    },
    stop: async () => {
      stopping.abort()
      await keeping
      await stopMembers(place, record)
    },
  }
}

/** Starts a node's process whenever it is wanted and does not run: one that an earlier server started is taken up. */
const keepRunning = async (
  { place, record, env }: MachineNodesOptions,
  node: NodeNetwork,
  wanted: (node: NodeNetwork) => boolean,
  signal: AbortSignal,
): Promise<void> => {
  const log = env.log.child('members')
  const look = (): boolean => memberMark(place, node.name) !== undefined
  let running = look()
  let respawn = startedAt(env.monotonicMs())
  if (running) log.info('node process taken up', { node: node.name, pid: memberMark(place, node.name)?.pid })
  while (!signal.aborted) {
    const nowMs = env.monotonicMs()
    const runs = look()
    const asked = wanted(node)
    if (running && !runs) {
      respawn = asked ? endedAt(nowMs, respawn) : startedAt(nowMs)
      if (asked) log.warn('a node process ended; it is started again', { node: node.name, afterMs: respawn.notBeforeMs - nowMs })
    }
    running = runs
    if (!runs && asked && nowMs >= respawn.notBeforeMs) {
      launch(place, record.name, node, log)
      respawn = startedAt(nowMs, respawn)
      running = true
    }
    await env.sleep(watchMs, signal)
  }
}

const launch = (place: Place, cluster: string, node: NodeNetwork, log: Log): void => {
  const files = memberFiles(place, node.name)
  const journal = openSync(files.journal, 'a', 0o640)
  const entry = process.argv[1] as string
  const agent = [...process.execArgv, entry, 'agent', '--name', cluster, '--dir', place.dir, '--node', node.name]
  const child = spawn('nsenter', [`--net=${node.netns}`, process.execPath, ...agent], {
    detached: true,
    stdio: ['ignore', journal, journal],
    cwd: '/',
  })
  closeSync(journal)
  child.unref()
  child.on('error', (error) => log.error('a node could not be started', { node: node.name, error: error.message }))
  child.on('exit', (code, by) =>
    log.info('a node process has ended', { node: node.name, pid: child.pid, ...(by ? { signal: by } : { code }) }),
  )
  const mark = child.pid ? markOf(child.pid) : undefined
  if (mark) writeMark(place, node.name, mark)
  log.info('node process started', { node: node.name, pid: child.pid })
}

/** The kubeconfigs of a node's agent and of its proxy, with certificates of their own. */
const writeConfigs = async (place: Place, host: NodeNetwork, node: NodeNetwork, api: ApiServer, env: Env): Promise<void> => {
  const files = memberFiles(place, node.name)
  mkdirSync(files.root, { recursive: true, mode: 0o755 })
  const { clients } = api.authorities
  const server = `https://${host.address}:${api.port}`
  // A process that an earlier server started reads its file once: it must not go on asking where nobody answers.
  if (existsSync(files.nodeConfig) && !readFileSync(files.nodeConfig, 'utf8').includes(`server: ${server}\n`))
    await stopMember(place, node.name)
  const write = async (path: string, commonName: string, organizations: readonly string[]): Promise<void> => {
    const pair = await issueCertificate(clients, { subject: { commonName, organizations }, days: 365, usages: ['client'] }, env)
    writeFileSync(path, kubeconfigText('skiff', server, clients.cert, pair), { mode: 0o600 })
  }
  await write(files.nodeConfig, nodeIdentity(node.name).name, ['system:nodes'])
  await write(files.proxyConfig, proxyIdentity.name, [])
}

/** A node and the time since when its word counts: what the API holds of one that was not running is from before. */
interface Waiting {
  readonly name: string
  readonly sinceMs: number
}

const registered = async (api: ApiServer, nodes: readonly Waiting[], env: Env, progress: (step: string) => void): Promise<void> => {
  const missing = new Set(nodes)
  const client = api.client(loopbackIdentity)
  const deadline = env.monotonicMs() + registerMs
  while (missing.size > 0) {
    if (env.monotonicMs() > deadline) {
      // One node that is cut off or broken must not take the others with it.
      const names = [...missing].map(({ name }) => name).join(', ')
      return progress(`node(s) ${names} did not become ready within ${registerMs / 1000} s and go on trying; see \`skiff journal\``)
    }
    for (const each of missing) {
      if (!isReady(await client.get(node, { name: each.name }).catch(() => undefined), each.sinceMs)) continue
      missing.delete(each)
      progress(`node ${each.name}`)
    }
    await env.sleep(50)
  }
}
