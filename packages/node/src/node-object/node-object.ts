import { isDeepStrictEqual } from 'node:util'
import type { Node, NodeAddress, NodeStatus } from '@skiff/api'
import { node as nodes } from '@skiff/api'
import type { Client, EventRecorder } from '@skiff/client'
import { type Env, isRefusal } from '@skiff/machinery'
import type { Runtime, RuntimeVersion } from '../runtimes/runtime.ts'
import { keepLease } from './lease.ts'
import { allocatableOf, type Machine, pressureOf } from './machine.ts'
import { nodeStatusOf, saysTheSame, withoutHeartbeats } from './node-status.ts'

export interface NodeObjectOptions {
  readonly client: Client
  readonly env: Env
  readonly runtime: Runtime
  readonly nodeName: string
  readonly machine: Machine
  readonly addresses: readonly NodeAddress[]
  readonly version: string
  readonly kubeletPort?: number
  /** Set on the object when it has none yet. */
  readonly podCidr?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: NonNullable<Node['spec']['taints']>
  readonly recorder: Pick<EventRecorder, 'event'>
}

export interface NodeObject {
  readonly node: Node
  readonly runtimeVersion: RuntimeVersion
  readonly allocatable: Readonly<Record<string, string>>
  /** Looks at the runtime now instead of at the next turn. */
  refresh(): void
  stop(): Promise<void>
}

const checkMs = 10_000
/** A status that has not changed is still sent so often. */
const reportMs = 300_000
const retryMs = 1_000

/** Registers the node and keeps its status and its lease. Resolves once it is registered and has its first status. */
export const keepNodeObject = async (options: NodeObjectOptions): Promise<NodeObject> => {
  const { client, env, nodeName, runtime } = options
  const stopping = new AbortController()
  const runtimeVersion = await untilItWorks(options, stopping.signal, () => runtime.version())
  let node = await untilItWorks(options, stopping.signal, () => register(options))
  let reported: NodeStatus | undefined
  let reportedMs = 0
  let hurry = Promise.withResolvers<void>()
  tellStart(options)

  const report = async (): Promise<void> => {
    const [held, status, images, free] = await Promise.all([
      // Others write it too: the node lifecycle controller calls a silent node Unknown, and waits for its word.
      client.get(nodes, { name: nodeName }),
      runtime.status().catch(() => undefined),
      runtime.listImages().catch(() => []),
      options.machine.free?.(),
    ])
    const pressure = free ? pressureOf(free) : { memory: false, disk: false }
    const { machine, addresses, version, kubeletPort } = options
    const observed = { machine, addresses, runtime: runtimeVersion, status, images, pressure, version, kubeletPort }
    const next = nodeStatusOf(observed, held.status, env.now())
    const same = reported && isDeepStrictEqual(withoutHeartbeats(reported), withoutHeartbeats(next)) && saysTheSame(held.status, next)
    if (same && env.monotonicMs() - reportedMs < reportMs) return
    tellChanges(options, reported && { ...reported, conditions: held.status?.conditions ?? [] }, next)
    node = await client.patch(nodes, { name: nodeName, subresource: 'status' }, 'strategic', { status: listsReplaced(next) })
    reported = next
    reportedMs = env.monotonicMs()
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      hurry = Promise.withResolvers()
      const stop = new AbortController()
      await Promise.race([env.sleep(checkMs, AbortSignal.any([stop.signal, stopping.signal])), hurry.promise])
      stop.abort()
      if (stopping.signal.aborted) return
      // A node whose object was deleted stays away until its agent starts anew, as upstream has it.
      await report().catch((error) => {
        if (!stopping.signal.aborted) env.log.warn('the status of this node was not written', { error: String(error) })
      })
    }
  }
  await untilItWorks(options, stopping.signal, report)
  const running = Promise.all([run(), keepLease(client, env, node, stopping.signal)])
  return {
    get node() {
      return node
    },
    runtimeVersion,
    allocatable: allocatableOf(options.machine),
    refresh: () => hurry.resolve(),
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

/** Addresses and images are merged by key on the server; what is gone must go there too. */
const listsReplaced = (status: NodeStatus): Record<string, unknown> => ({
  ...status,
  addresses: [...(status.addresses ?? []), { $patch: 'replace' }],
})

const untilItWorks = async <T>({ env }: NodeObjectOptions, signal: AbortSignal, act: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (signal.aborted) throw error
      env.log.warn('the node is not registered yet; trying again', { error: String(error) })
      await env.sleep(retryMs, signal)
    }
  }
}

const labelsOf = ({ nodeName, machine, labels }: NodeObjectOptions): Record<string, string> => ({
  'beta.kubernetes.io/arch': machine.info.architecture,
  'beta.kubernetes.io/os': machine.info.operatingSystem,
  'kubernetes.io/arch': machine.info.architecture,
  'kubernetes.io/hostname': nodeName,
  'kubernetes.io/os': machine.info.operatingSystem,
  ...labels,
})

/** Creates the object, or brings the labels and the pod range of an existing one up to date. */
const register = async (options: NodeObjectOptions): Promise<Node> => {
  const { client, nodeName, podCidr, taints } = options
  const labels = labelsOf(options)
  const range = podCidr === undefined ? {} : { podCIDR: podCidr, podCIDRs: [podCidr] }
  try {
    const held = await client.get(nodes, { name: nodeName })
    const labelled = Object.entries(labels).every(([key, value]) => held.metadata.labels?.[key] === value)
    const ranged = held.spec.podCIDR !== undefined || podCidr === undefined
    if (labelled && ranged) return held
    return await client.patch(nodes, { name: nodeName }, 'merge', { metadata: { labels }, ...(ranged ? {} : { spec: range }) })
  } catch (error) {
    if (!isRefusal(error, 404)) throw error
    const spec = { ...range, ...(taints ? { taints } : {}) }
    return client.create(nodes, { metadata: { name: nodeName, labels }, spec })
  }
}

const about = (nodeName: string) => ({ kind: 'Node', name: nodeName, uid: nodeName, apiVersion: 'v1' })

const tellStart = ({ recorder, nodeName }: NodeObjectOptions): void =>
  recorder.event(about(nodeName), 'Normal', 'Starting', 'Starting kubelet.')

const words: Record<string, readonly [yes: string, no: string]> = {
  MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
  Ready: ['NodeReady', 'NodeNotReady'],
}

const tellChanges = ({ recorder, nodeName }: NodeObjectOptions, before: NodeStatus | undefined, after: NodeStatus): void => {
  for (const { type, status } of after.conditions ?? []) {
    const [yes, no] = words[type] ?? ['', '']
    if (yes === '' || before?.conditions?.find((condition) => condition.type === type)?.status === status) continue
    const reason = status === 'True' ? yes : no
    recorder.event(about(nodeName), 'Normal', reason, `Node ${nodeName} status is now: ${reason}`)
  }
}
