import { statfs } from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import type { Node, NodeAddress, Pod, Service } from '@skiff/api'
import { pod as pods, service as services } from '@skiff/api'
import { type Client, createInformer, createRecorder, type EventRecorder, type View } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { admitPod } from './agent/admit-pod.ts'
import type { RunHook } from './agent/hooks.ts'
import { createKiller } from './agent/killer.ts'
import { noVolumes } from './agent/no-volumes.ts'
import { createPodEvents, type PodEvents } from './agent/pod-events.ts'
import { type Pods, startPods } from './agent/pods.ts'
import { createRunHook } from './agent/run-hook.ts'
import { enforceSizeLimits } from './agent/size-limits.ts'
import type { WorkerTools } from './agent/worker.ts'
import { createConfigure } from './config/configure.ts'
import { createNodeFiles, type NodeFiles, noNodeFiles } from './files/node-files.ts'
import { type Machine, simulatedMachine, thisMachine } from './node-object/machine.ts'
import { keepNodeObject, type NodeObject } from './node-object/node-object.ts'
import { handlerReader, pullSecretReader, storageReader } from './objects/lookups.ts'
import { narrowed } from './objects/narrowed.ts'
import { createReferents, type FollowedReferents } from './objects/referents.ts'
import { createTokens, type Tokens } from './objects/tokens.ts'
import { createPodProbes } from './probes/pod-probes.ts'
import type { RunProbe } from './probes/probe-result.ts'
import { createRunProbe } from './probes/run-probe.ts'
import { collectImages, type DiskUse } from './pulling/image-garbage.ts'
import { createImages } from './pulling/images.ts'
import type { Runtime } from './runtimes/runtime.ts'
import { isSimulated, simulatedHooks, simulatedProbes } from './runtimes/simulated/probes.ts'
import { type OpenLog, openLogInMemory, openLogOnDisk } from './service/log-file.ts'
import { rotateLogs } from './service/log-rotation.ts'
import type { NodeService } from './service/node-service.ts'
import { createNodeService } from './service/serve-node.ts'
import { createVolumes, type DiskVolumes } from './volumes/volumes.ts'

export interface NodeAgentOptions {
  readonly client: Client
  readonly env: Env
  readonly nodeName: string
  readonly runtime: Runtime
  /** Where volumes and other files of pods lie. Absent: nothing touches a disk, as simulated nodes have it. */
  readonly rootDir?: string
  /** Logs of containers; default: `/var/log/pods`. */
  readonly logDir?: string
  /** Written to the node object when it has no range yet. */
  readonly podCidr?: string
  readonly clusterDns: readonly string[]
  readonly clusterDomain: string
  /** `InternalIP`, `Hostname` and so on; the internal ones are the pods' hostIPs. */
  readonly addresses: readonly NodeAddress[]
  /** As node status tells it, `v1.33.0`. */
  readonly version?: string
  /** The port on which the agent serves the kubelet's API, told in node status. */
  readonly kubeletPort?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: NonNullable<Node['spec']['taints']>
  /** The cgroup under which pods lie; default: `/kubepods`. */
  readonly cgroupRoot?: string
  readonly machine?: Machine
  readonly recorder?: EventRecorder
  /** Services as another part of this process holds them already; absent: watched by the agent itself. */
  readonly services?: View<Service>
  /** Default: by command, HTTP, TCP and gRPC; of the simulated runtime, as its containers say. */
  readonly runProbe?: RunProbe
  readonly runHook?: RunHook
  readonly openLog?: OpenLog
  /** Connects to the runtime's streaming server when this process cannot reach it by itself. */
  readonly dialRuntime?: (url: URL) => Promise<Duplex>
}

export interface NodeAgent {
  readonly service: NodeService
  readonly nodeName: string
  /** Ends the agent; containers run on and are found again by the next one. */
  stop(): Promise<void>
  /** Ends the agent and then every container of its pods, each within so long; their objects stay as they are. */
  drain(graceSeconds: number): Promise<void>
}

/** Registers this node and keeps the pods that are bound to it. Resolves once it is registered and knows its pods. */
export const startNodeAgent = async (options: NodeAgentOptions): Promise<NodeAgent> => {
  const { client, env, nodeName, runtime, recorder = createRecorder(client, env, { component: 'kubelet', host: nodeName }) } = options
  const stopping = new AbortController()
  const machine = options.machine ?? (options.rootDir ? await machineOf(options.rootDir) : simulatedMachine(nodeName))
  const podView = createInformer(narrowed(client, { fieldSelector: `spec.nodeName=${nodeName}` }), pods, env)
  const ownServices = options.services ? undefined : createInformer(client, services, env)
  const nodeObject = await keepNodeObject({ ...options, machine, recorder, version: options.version ?? 'v1.33.0' })
  const podCidr = nodeObject.node.spec.podCIDR
  if (podCidr) await runtime.setPodCidr(podCidr)

  let known: Pods | undefined
  const serviceView = options.services ?? (ownServices as View<Service>)
  const parts = await makeParts({ ...options, machine, nodeObject, recorder, serviceView }, () => known)
  const running = await startPods({
    tools: parts.tools,
    runtime,
    env,
    nodeName,
    view: podView,
    onPod: parts.referents.follow,
    onGone: (uid) => {
      parts.referents.forget(uid)
      parts.tokens.forget(uid)
    },
    refuse: (pod, others) => admitPod(pod, others, nodeObject.node, nodeObject.allocatable),
  })
  known = running
  const runningIds = function* () {
    for (const { seen } of running.all()) for (const { id, state } of seen.containers) if (state === 'running') yield id
  }
  const { rootDir } = options
  const about = { kind: 'Node', name: nodeName, uid: nodeName, apiVersion: 'v1' }
  const chores = rootDir
    ? Promise.all([
        rotateLogs(runtime, env, runningIds, stopping.signal),
        enforceSizeLimits(rootDir, env, running.all, parts.tools.events, stopping.signal),
        collectImages(
          runtime,
          env,
          () => diskUse(rootDir),
          (text) => recorder.event(about, 'Warning', 'FreeDiskSpaceFailed', text),
          stopping.signal,
        ),
      ])
    : undefined
  const openLog = options.openLog ?? (isSimulated(runtime) ? openLogInMemory(env, runtime.log) : openLogOnDisk(env))
  const { dialRuntime } = options
  const stop = async () => {
    stopping.abort()
    await running.stop()
    parts.volumes?.stop()
    await Promise.all([nodeObject.stop(), podView.close(), ownServices?.close(), parts.referents.stop(), chores])
    if (!options.recorder) await recorder.close()
  }
  return {
    nodeName,
    service: createNodeService({ runtime, env, pods: running, nodeName, openLog, ...(dialRuntime ? { dial: dialRuntime } : {}) }),
    stop,
    drain: async (graceSeconds) => {
      await stop()
      await endContainers(runtime, graceSeconds)
    },
  }
}

const endContainers = async (runtime: Runtime, graceSeconds: number): Promise<void> => {
  const containers = await runtime.listContainers({ state: 'running' })
  await Promise.all(containers.map(({ containerId }) => runtime.stopContainer(containerId, graceSeconds)))
  const sandboxes = await runtime.listPodSandboxes({ ready: true })
  await Promise.all(sandboxes.map(({ sandboxId }) => runtime.stopPodSandbox(sandboxId)))
}

const diskUse = async (path: string): Promise<DiskUse> => {
  const { blocks, bavail, bsize } = await statfs(path)
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
}

const machineOf = async (rootDir: string): Promise<Machine> => {
  await createNodeFiles(rootDir, '', '')
  return thisMachine(rootDir)
}

interface PartsOptions extends NodeAgentOptions {
  readonly machine: Machine
  readonly nodeObject: NodeObject
  readonly recorder: EventRecorder
  readonly serviceView: View<Service>
}

interface Parts {
  readonly tools: WorkerTools
  readonly referents: FollowedReferents
  readonly tokens: Tokens
  readonly volumes: DiskVolumes | undefined
}

/** Joins everything that workers need. `pods`: the workers themselves, which exist only afterwards. */
const makeParts = async (options: PartsOptions, pods: () => Pods | undefined): Promise<Parts> => {
  const { client, env, rootDir, nodeObject, clusterDns, clusterDomain, logDir = '/var/log/pods' } = options
  const events = createPodEvents(options.recorder)
  const hostIps = options.addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address)
  const files = rootDir ? await createNodeFiles(rootDir, logDir, clusterDomain) : noNodeFiles
  const referents = createReferents(client, env, (uid) => {
    volumes?.refresh(uid)
    pods()?.worker(uid)?.retry()
  })
  const tokens = createTokens(client, env)
  const fields = (pod: Pod) => ({
    pod,
    podIps: (pod.status?.podIPs ?? []).map(({ ip }) => ip),
    hostIps,
    allocatable: nodeObject.allocatable,
  })
  const volumes = rootDir
    ? createVolumes({
        ...{ root: rootDir, env, events, nowMs: env.now, ...storageReader(client) },
        sources: (pod) => ({ referents, fields: fields(pod), token: tokens.token }),
      })
    : undefined
  const configure = createConfigure({
    ...{ logRoot: logDir, cgroupRoot: options.cgroupRoot ?? '/kubepods', seccompRoot: `${rootDir ?? ''}/seccomp` },
    clusterDns: { servers: clusterDns, domain: clusterDomain },
    hostDns: files.hostDns,
    services: async () => {
      await options.serviceView.synced
      return options.serviceView.list()
    },
    ...{ referents, files, events, hostIps: () => hostIps, allocatable: () => nodeObject.allocatable },
    memoryCapacityBytes: options.machine.memoryBytes,
    handlerOf: handlerReader(client),
  })
  const shared = { configure, events, files, volumes: volumes ?? noVolumes, hostIps }
  return { tools: workerTools(options, shared), referents, tokens, volumes }
}

interface Shared extends Pick<WorkerTools, 'configure' | 'volumes'> {
  readonly events: PodEvents
  readonly files: NodeFiles
  readonly hostIps: readonly string[]
}

const workerTools = (options: PartsOptions, { configure, events, files, volumes, hostIps }: Shared): WorkerTools => {
  const { client, env, runtime, nodeObject } = options
  const simulated = isSimulated(runtime) ? runtime : undefined
  const runHook = options.runHook ?? (simulated ? simulatedHooks(env.sleep) : createRunHook(runtime, env))
  const runProbe = options.runProbe ?? (simulated ? simulatedProbes(simulated) : createRunProbe(runtime, env))
  const node = { hostIps, runtimeName: nodeObject.runtimeVersion.name }
  return {
    ...{ client, env, runtime, configure, events, volumes, runHook },
    images: createImages({ runtime, env, events, pullSecrets: pullSecretReader(client) }),
    killer: createKiller(runtime, env, runHook, events),
    node: () => node,
    readLastWords: files.readLastWords,
    startProbes: (report) => createPodProbes({ env, runProbe, events, report }),
    forgetLog: files.forgetLog,
    forgetPod: files.forgetPod,
  }
}
