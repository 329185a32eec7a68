import { mkdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { gatesOf, gateWarnings, parseFeatureGates, parseRuntimeConfig } from '@skiff/api'
import { type ApiServer, loopbackIdentity, parsePortRange, startApiServer } from '@skiff/apiserver'
import { type Env, systemEnv } from '@skiff/machinery'
import type { ClusterNetwork } from '@skiff/network'
import { openDurableStore, type Store } from '@skiff/store'
import { publishDnsService } from './cluster-dns.ts'
import { hasRealNodes, networkOf } from './cluster-network.ts'
import { serveControl } from './control.ts'
import { uniqueHolder } from './election.ts'
import { openJournal } from './journal.ts'
import { writeAdminKubeconfig } from './kubeconfig.ts'
import { startLoops } from './loops.ts'
import type { startMachineNodes } from './machine-nodes.ts'
import { type ClusterNodes, createNodeDirectory } from './node-directory.ts'
import { nodePatienceOf } from './node-flags.ts'
import type { Place } from './place.ts'
import { markOf } from './process-mark.ts'
import { type ClusterRecord, changeRecord } from './record.ts'
import { serviceRangeOf } from './service-ranges.ts'
import type { startSimulatedNodes } from './simulated-nodes.ts'
import type { startStageNodes } from './stage-nodes.ts'

/** How far the server has come, told to whoever waits for it. */
export type Progress = (step: string) => void

export interface Server {
  readonly api: ApiServer
  /** Ends the server. Containers run on. */
  stop(): Promise<void>
}

/** Runs the control plane of a cluster and its first node in this process until stopped. Rejects with a sentence for the user. */
export const runServer = async (place: Place, record: ClusterRecord, progress: Progress): Promise<Server> => {
  mkdirSync(place.dir, { recursive: true, mode: 0o700 })
  const env = systemEnv(openJournal(place.journal, { now: systemEnv().now }))
  env.log.info('starting', { name: record.name, pid: process.pid })
  for (const warning of gateWarnings(parseFeatureGates(record.featureGates ?? ''))) env.log.warn(warning)
  // From the first moment on, so that `down` ends it also when the `up` that started it is gone.
  const server = markOf(process.pid)
  changeRecord(place, (held) => ({ ...held, ready: false, ...(server && { server }) }))
  const network = networkOf(record)
  const directory = createNodeDirectory()
  const store = await openDurableStore({ dir: place.store, env: withLog(env, 'store') })
  const closers: (() => Promise<void>)[] = [() => store.close(), await control(place, store, env)]
  const stop = async (): Promise<void> => {
    for (const close of closers.reverse())
      await close().catch((error: unknown) => env.log.error('a part did not stop in order', { error: String(error) }))
  }
  try {
    const nodesReady = hasRealNodes(record) ? machineNodes({ place, record, network, env, directory, progress }) : undefined
    nodesReady?.catch(() => {})
    if (nodesReady) closers.push(async () => (await nodesReady).stop())
    const api = await openApi(place, record, network, store, env, directory)
    closers.push(() => api.close())
    await writeAdminKubeconfig(place.kubeconfig, contextName(record.name), `https://127.0.0.1:${api.port}`, api.authorities.clients, env)
    progress('control plane')
    closers.push(await startLoops(api, record, env, store.shared ? { holder: uniqueHolder() } : undefined))
    if (record.nodes.length > 0) await publishDnsService(api.client(loopbackIdentity), network.dnsAddress, env.log)
    if (nodesReady) await (await nodesReady).join(api)
    else if (record.simulatedNodes !== undefined) closers.push(await stageNodes(api, record, withLog(env, 'node'), directory))
    else if (!record.controlPlaneOnly) closers.push(await simulatedNodes({ api, record, env: withLog(env, 'node'), directory }))
    // A node may have been marked meanwhile.
    changeRecord(place, (held) => ({ ...held, apiPort: api.port, ready: true }))
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

const stageNodes: typeof startStageNodes = async (...of) => (await import('./stage-nodes.ts')).startStageNodes(...of)

export const contextName = (name: string): string => (name === 'default' ? 'skiff' : `skiff-${name}`)

/** Without it the server serves all the same, and only a snapshot must wait until it is stopped. */
const control = async (place: Place, store: Store, env: Env): Promise<() => Promise<void>> => {
  try {
    return await serveControl(place, { snapshot: store.snapshot })
  } catch (error) {
    env.log.warn('there is no socket for snapshots', { error: String(error) })
    return async () => {}
  }
}

const withLog = (env: Env, name: string): Env => ({ ...env, log: env.log.child(name) })

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
  const onMachine = hasRealNodes(record)
  const nodePorts = parsePortRange(record.nodePortRange ?? '')
  return startApiServer({
    store,
    env: withLog(env, 'apiserver'),
    pkiDir: place.pki,
    // Nodes and pods reach the server at the cluster's own bridge; without them only this machine may.
    host: onMachine ? '0.0.0.0' : '127.0.0.1',
    port: record.apiPort,
    advertiseAddress: onMachine ? (network.nodes[0]?.address ?? machineAddress()) : machineAddress(),
    serviceCidr: serviceRangeOf(record),
    ...(nodePorts ? { nodePorts } : {}),
    nodes,
    metrics: true,
    gates: gatesOf(record.featureGates ?? ''),
    runtimeConfig: parseRuntimeConfig(record.runtimeConfig ?? ''),
    legacyApis: record.legacyApis === true,
    bootstrapTokens: record.bootstrapTokens === true,
    ...(record.nodeFlags ? { nodePatience: nodePatienceOf(record.nodeFlags) } : {}),
    ...(record.requestLimits ? { limits: record.requestLimits } : {}),
  })
}
