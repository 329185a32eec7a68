import { mkdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { type ApiServer, startApiServer } from '@skiff/apiserver'
import { createViews, type Identity, type Views } from '@skiff/client'
import { startControllers } from '@skiff/controllers'
import { type Env, systemEnv } from '@skiff/machinery'
import { type ClusterNetwork, describeNetwork } from '@skiff/network'
import { startScheduler } from '@skiff/scheduler'
import { openDurableStore, type Store } from '@skiff/store'
import { openJournal } from './journal.ts'
import { writeAdminKubeconfig } from './kubeconfig.ts'
import type { startMachineNodes } from './machine-nodes.ts'
import { type ClusterNodes, createNodeDirectory } from './node-directory.ts'
import type { Place } from './place.ts'
import { type ClusterRecord, markOf, writeRecord } from './record.ts'
import { signers } from './signers.ts'
import type { startSimulatedNodes } from './simulated-nodes.ts'

/** How far the server has come, told to whoever waits for it. */
export type Progress = (step: string) => void

export interface Server {
  readonly api: ApiServer
  /** Ends the server. Containers run on. */
  stop(): Promise<void>
}

const component = (name: string): Identity => ({ name, groups: ['system:authenticated'] })

/** Runs the control plane of a cluster and its first node in this process until stopped. Rejects with a sentence for the user. */
export const runServer = async (place: Place, record: ClusterRecord, progress: Progress): Promise<Server> => {
  mkdirSync(place.dir, { recursive: true, mode: 0o700 })
  const env = systemEnv(openJournal(place.journal, systemEnv().now))
  env.log.info('starting', { name: record.name, pid: process.pid })
  const network = networkOf(record)
  const directory = createNodeDirectory()
  const store = await openDurableStore({ dir: place.store, env: withLog(env, 'store') })
  const closers: (() => Promise<void>)[] = [() => store.close()]
  const stop = async (): Promise<void> => {
    for (const close of closers.reverse())
      await close().catch((error: unknown) => env.log.error('a part did not stop in order', { error: String(error) }))
  }
  try {
    const nodesReady =
      record.runtime === 'containerd' && !record.controlPlaneOnly
        ? machineNodes({ place, record, network, env, directory, progress })
        : undefined
    nodesReady?.catch(() => {})
    if (nodesReady) closers.push(async () => (await nodesReady).stop())
    const api = await openApi(place, record, network, store, env, directory)
    closers.push(() => api.close())
    await writeAdminKubeconfig(place.kubeconfig, contextName(record.name), `https://127.0.0.1:${api.port}`, api.authorities.clients, env)
    progress('control plane')
    closers.push(await startLoops(api, record, env))
    if (nodesReady) await (await nodesReady).join(api)
    else if (!record.controlPlaneOnly) closers.push(await simulatedNodes({ api, record, env: withLog(env, 'node'), directory }))
    const mark = markOf(process.pid)
    writeRecord(place, { ...record, apiPort: api.port, ...(mark ? { server: mark } : {}) })
    env.log.info('ready', { port: api.port })
    return { api, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

// What nodes need (gRPC, images, volumes) is loaded only where there are nodes: without them it would be a sixth of the memory.
const machineNodes: typeof startMachineNodes = async (options) => (await import('./machine-nodes.ts')).startMachineNodes(options)
const simulatedNodes: typeof startSimulatedNodes = async (options) => (await import('./simulated-nodes.ts')).startSimulatedNodes(options)

export const contextName = (name: string): string => (name === 'default' ? 'skiff' : `skiff-${name}`)

const withLog = (env: Env, name: string): Env => ({ ...env, log: env.log.child(name) })

export const networkOf = (record: ClusterRecord): ClusterNetwork =>
  describeNetwork({ cluster: record.name, ranges: record.ranges, nodes: new Map(record.nodes.map((node) => [node.number, node.name])) })

/** The first address of this machine that others could reach; a loopback one where there is none. */
const machineAddress = (): string =>
  Object.values(networkInterfaces())
    .flat()
    .find((each) => each !== undefined && !each.internal && each.family === 'IPv4')?.address ?? '127.0.0.1'

const openApi = (
  place: Place,
  record: ClusterRecord,
  network: ClusterNetwork,
  store: Store,
  env: Env,
  nodes: ClusterNodes,
): Promise<ApiServer> => {
  const onMachine = record.runtime === 'containerd' && !record.controlPlaneOnly
  return startApiServer({
    store,
    env: withLog(env, 'apiserver'),
    pkiDir: place.pki,
    // Nodes and pods reach the server at the cluster's own bridge; without them only this machine may.
    host: onMachine ? '0.0.0.0' : '127.0.0.1',
    port: record.apiPort,
    advertiseAddress: onMachine ? (network.nodes[0]?.address ?? machineAddress()) : machineAddress(),
    serviceCidr: record.ranges.services,
    nodes,
  })
}

/** Controllers and scheduler, each under its own identity. */
const startLoops = async (api: ApiServer, record: ClusterRecord, env: Env): Promise<() => Promise<void>> => {
  const managed = api.client(component('system:kube-controller-manager'))
  const controllers = await startControllers({
    client: managed,
    env: withLog(env, 'controllers'),
    enabled: record.controllers,
    resources: () => api.registry.all().filter((kind) => !kind.conversion),
    ...signers(api, env),
  })
  const scheduling = enabled(record.controllers, 'scheduler')
  const client = api.client(component('system:kube-scheduler'))
  const views: Views | undefined = scheduling ? createViews(client, withLog(env, 'scheduler')) : undefined
  const scheduler = views ? await startScheduler({ client, views, env: withLog(env, 'scheduler') }) : undefined
  return async () => {
    await scheduler?.stop()
    await views?.close()
    await controllers.stop()
  }
}

/** Upstream's --controllers syntax: a name, -name, or * for all that are on by default; the first that speaks of a name decides. */
export const enabled = (list: readonly string[], name: string): boolean => {
  if (list.includes(name)) return true
  if (list.includes(`-${name}`) || list.includes('-*')) return false
  return list.includes('*')
}
