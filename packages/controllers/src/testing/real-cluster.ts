import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Node, Pod } from '@skiff/api'
import { event, lease, node as nodes, pod as pods } from '@skiff/api'
import { type ApiServer, noNodes, startApiServer } from '@skiff/apiserver'
import { type Client, type VirtualEnv, virtualEnv } from '@skiff/client'
import { type KubeObject, rfc3339 } from '@skiff/machinery'
import { openMemoryStore } from '@skiff/store'
import { type RunningControllers, startControllers } from '../start.ts'

export interface RealCluster {
  readonly env: VirtualEnv
  readonly api: ApiServer
  /** Speaks as an administrator. */
  readonly client: Client
  readonly controllers: RunningControllers
  /** Nodes of this name stop renewing their leases and tending their pods. */
  readonly dead: Set<string>
  /** Lets time pass while a stand-in for scheduler and nodes runs pods. */
  live(ms: number): Promise<void>
  list<T extends KubeObject>(resource: { readonly of?: T } & Parameters<Client['list']>[0], namespace?: string): Promise<readonly T[]>
  events(namespace?: string): Promise<string[]>
  /** Controllers of which a plan failed, or that lost sight of what they wrote: none, on a good day. */
  troubled(): string[]
  stop(): Promise<void>
}

export interface RealClusterOptions {
  readonly nodes?: readonly string[]
  readonly enabled?: readonly string[]
  readonly healthy?: (pod: Pod) => boolean
  /** How a running pod ends now; absent: it runs on. */
  readonly ends?: (pod: Pod) => 'Succeeded' | 'Failed' | undefined
}

const stepMs = 1_000
const renewMs = 10_000

/** All controllers over the real API server, its authorisation and validation included, in virtual time. */
export const realCluster = async (options: RealClusterOptions = {}): Promise<RealCluster> => {
  const { nodes: names = ['n1', 'n2'], enabled = ['*'] } = options
  const env = virtualEnv()
  const pkiDir = mkdtempSync(join(tmpdir(), 'skiff-controllers-'))
  const api = await startApiServer({
    store: openMemoryStore(),
    env,
    pkiDir,
    host: '127.0.0.1',
    port: 0,
    advertiseAddress: '127.0.0.1',
    serviceCidr: '10.96.0.0/16',
    nodes: noNodes,
  })
  const client = api.client({ name: 'admin', groups: ['system:masters', 'system:authenticated'] })
  const dead = new Set<string>()
  const stand = standIn(client, env, options, dead, names)
  await stand.join()
  const controllers = await startControllers({
    client: api.client({ name: 'system:kube-controller-manager', groups: ['system:authenticated'] }),
    env,
    enabled,
    resources: () => api.registry.all().filter((kind) => !kind.conversion),
    rootCa: () => api.authorities.clients.cert,
  })
  const list: RealCluster['list'] = async (resource, namespace) =>
    (await client.list(resource, namespace === undefined ? {} : { namespace })).items as never
  /** Near calls take turns of the event loop, but no time; what still is busy then waits for time. */
  const settle = async () => {
    for (let turns = 0; turns < 10 || (turns < 50 && controllers.busy > 0); turns += 1) await env.settle()
  }
  return {
    env,
    api,
    client,
    controllers,
    dead,
    list,
    live: async (ms) => {
      for (const untilMs = env.now() + ms; env.now() < untilMs; ) {
        await env.advance(Math.min(stepMs, untilMs - env.now()))
        await stand.tend()
        await settle()
      }
    },
    events: async (namespace) =>
      (await list(event, namespace)).map(({ type, reason, message, count }) => `${type} ${reason}: ${message} x${count}`),
    troubled: () =>
      Object.entries(controllers.metrics())
        .filter(([, { failures, doubts }]) => failures + doubts > 0)
        .map(([name]) => name),
    stop: async () => {
      const stopped = controllers.stop()
      // Events on their way still take time.
      await env.advance(20_000)
      await stopped
      await api.close()
      rmSync(pkiDir, { recursive: true })
    },
  }
}

/** What a scheduler and node agents would do, as far as controllers see it. */
const standIn = (client: Client, env: VirtualEnv, options: RealClusterOptions, dead: ReadonlySet<string>, names: readonly string[]) => {
  const { healthy = () => true, ends = () => undefined } = options
  let renewedMs = 0
  let turn = 0
  const leaseOf = (name: string) => ({
    metadata: { namespace: 'kube-node-lease', name },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: `${rfc3339(env.now()).replace('Z', '')}.000000Z` },
  })
  const join = async () => {
    for (const name of names) {
      const conditions = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) => ({
        type,
        status: type === 'Ready' ? 'True' : 'False',
        reason: 'Kubelet',
        lastHeartbeatTime: rfc3339(env.now()),
        lastTransitionTime: rfc3339(env.now()),
      }))
      const made = await client.create(nodes, { metadata: { name }, spec: {} })
      await client.update(nodes, { ...made, status: { conditions } } as unknown as Node, { subresource: 'status' })
      await client.create(lease, leaseOf(name))
    }
  }
  const renew = async () => {
    if (env.now() - renewedMs < renewMs) return
    renewedMs = env.now()
    for (const name of names) if (!dead.has(name)) await client.patch(lease, leaseOf(name).metadata, 'merge', { spec: leaseOf(name).spec })
  }
  /** A pod of a DaemonSet names its node by an affinity. */
  const pinnedTo = ({ spec }: Pod): string | undefined =>
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0]
  const place = async (pod: Pod) => {
    const { namespace = '', name } = pod.metadata
    const living = names.filter((one) => !dead.has(one))
    turn += 1
    const target = { kind: 'Node', name: pinnedTo(pod) ?? living[turn % living.length] }
    await client.create(pods, { metadata: { name, namespace }, target } as never, { namespace, name, subresource: 'binding' })
  }
  const tendPod = async (pod: Pod) => {
    const { namespace = '', name } = pod.metadata
    const { nodeName } = pod.spec
    if (nodeName && dead.has(nodeName)) return
    if (pod.metadata.deletionTimestamp) await client.remove(pods, { namespace, name }, { gracePeriodSeconds: 0 })
    else if (!nodeName) await place(pod)
    else if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return
    else if (pod.status?.phase === 'Running' && ends(pod))
      await client.update(pods, { ...pod, status: { ...pod.status, phase: ends(pod) } } as Pod, { subresource: 'status' })
    else {
      const ready = healthy(pod) ? 'True' : 'False'
      const held = pod.status?.conditions?.find((one) => one.type === 'Ready')?.status
      if (pod.status?.phase !== 'Running' || held !== ready)
        await client.update(pods, ran(pod, ready, env.now()), { subresource: 'status' })
    }
  }
  const tend = async () => {
    await renew()
    const { items } = await client.list(pods)
    for (const pod of items) await tendPod(pod)
  }
  return { join, tend }
}

let addresses = 1
const ran = (pod: Pod, ready: 'True' | 'False', nowMs: number): Pod => {
  addresses = (addresses % 60_000) + 1
  const podIP = pod.status?.podIP ?? `10.1.${addresses >> 8}.${addresses & 255}`
  const others = (pod.status?.conditions ?? []).filter((one) => one.type !== 'Ready')
  const conditions = [...others, { type: 'Ready', status: ready, lastTransitionTime: rfc3339(nowMs) }]
  return {
    ...pod,
    status: { ...pod.status, phase: 'Running', podIP, podIPs: [{ ip: podIP }], startTime: rfc3339(nowMs), conditions },
  } as Pod
}
