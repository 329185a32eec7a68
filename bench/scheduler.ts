/**
 * Scheduling alone, in memory: `node bench/scheduler.ts [nodes] [pods] [plain|spread|affinity|full]`. A server of maps takes the place of
 * the API server and its store, so that the figure is nearly the scheduler's own; creations run beside it. `full` asks for more than there is. Prints pods/s from the first
 * creation to the last binding, what one synchronous decision costs, and the longest time the event loop stood still.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import {
  csiDriver,
  csiNode,
  csiStorageCapacity,
  type Node,
  namespace,
  node,
  type Pod,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  replicaSet,
  replicationController,
  service,
  statefulSet,
  storageClass,
  volumeAttachment,
} from '@skiff/api'
import { connect, createViews, type Frame, type Handler } from '@skiff/client'
import { type KubeObject, keyOf, systemEnv } from '@skiff/machinery'
import { startScheduler } from '@skiff/scheduler'

const nodeCount = Number(process.argv[2] ?? 1_000)
const podCount = Number(process.argv[3] ?? 5_000)
const shape = process.argv[4] ?? 'plain'
const inFlight = 64
const cpuOf: Record<string, string> = { full: '2' }

const env = systemEnv()
const resources = [
  ...[namespace, node, pod, service, replicationController, persistentVolume, persistentVolumeClaim],
  ...[replicaSet, statefulSet, storageClass, podDisruptionBudget, csiNode, csiDriver, csiStorageCapacity, volumeAttachment],
]

/** Rows by resource, and watchers that are each handed what is new: the least that a scheduler can talk to. */
const createRows = (): Handler => {
  const tables = new Map(resources.map(({ plural }) => [plural, { rows: new Map<string, KubeObject>(), watchers: [] as Watcher[] }]))
  let revision = 1
  async function* follow(watcher: Watcher, signal: AbortSignal | undefined): AsyncGenerator<readonly Frame[]> {
    signal?.addEventListener('abort', () => watcher.wake())
    while (!signal?.aborted)
      if (watcher.frames.length > 0) yield watcher.frames.splice(0)
      else
        await new Promise<void>((resolve) => {
          watcher.wake = resolve
        })
  }
  const put = (plural: string, type: Frame['type'], object: KubeObject): KubeObject => {
    revision += 1
    const { rows, watchers } = tables.get(plural) ?? { rows: new Map(), watchers: [] }
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
    rows.set(keyOf(stored), stored)
    for (const watcher of watchers) {
      watcher.frames.push({ type, object: stored })
      watcher.wake()
    }
    return stored
  }
  return async ({ verb, resource, subresource, namespace: space, name, body, signal }) => {
    const table = tables.get(resource)
    if (!table) throw new Error(`no ${resource} here`)
    if (verb === 'list')
      return { status: 200, object: { metadata: { resourceVersion: String(revision) }, items: [...table.rows.values()] } }
    if (verb === 'watch') {
      const watcher: Watcher = { frames: [], wake: () => {} }
      table.watchers.push(watcher)
      return { watch: follow(watcher, signal) }
    }
    const sent = (body && 'object' in body ? body.object : {}) as KubeObject & { readonly target?: { readonly name: string } }
    if (subresource === undefined)
      return { status: 201, object: put(resource, 'ADDED', { ...sent, metadata: { ...sent.metadata, uid: `${revision}` } }) }
    const held = table.rows.get(`${space}/${name}`) as Pod
    const next =
      subresource === 'binding'
        ? { ...held, spec: { ...held.spec, nodeName: sent.target?.name ?? '' } }
        : { ...held, ...sent, metadata: held.metadata }
    return { status: 200, object: put(resource, 'MODIFIED', next as KubeObject) }
  }
}
interface Watcher {
  readonly frames: Frame[]
  wake: () => void
}
const client = connect(createRows(), { name: 'bench', groups: [] })

const labels = { app: 'web' }
const shapes: Record<string, object> = {
  plain: {},
  spread: {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: labels },
      },
    ],
  },
  affinity: {
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { labelSelector: { matchLabels: labels }, topologyKey: 'kubernetes.io/hostname' } },
        ],
      },
    },
  },
}
const nodeAt = (i: number) =>
  ({
    metadata: { name: `node-${i}`, labels: { 'kubernetes.io/hostname': `node-${i}`, 'topology.kubernetes.io/zone': `zone-${i % 3}` } },
    spec: {},
    status: { allocatable: { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' } },
  }) as unknown as Node
const podAt = (i: number) =>
  ({
    metadata: { name: `pod-${i}`, namespace: 'bench', labels },
    spec: {
      schedulerName: 'default-scheduler',
      containers: [{ name: 'main', image: 'web:1', resources: { requests: { cpu: cpuOf[shape] ?? '100m', memory: '128Mi' } } }],
      ...shapes[shape],
    },
  }) as unknown as Pod

for (let i = 0; i < nodeCount; i += 1) await client.create(node, nodeAt(i))
const views = createViews(client, env)
// Events are left out: their number is bounded by the recorder, their cost is the API server's.
const recorder = { event: () => {}, flushed: async () => {}, close: async () => {} }
const scheduler = await startScheduler({ client, views, env, recorder })

const bound = Promise.withResolvers<void>()
const createdMs = new Map<string, number>()
const latencies: number[] = []
const delay = monitorEventLoopDelay({ resolution: 1 })
views.view(pod).subscribe(({ before, after }) => {
  const isDone = (pod: Pod | undefined) => Boolean(pod?.spec.nodeName || (pod?.status?.conditions?.length ?? 0) > 0)
  if (!after || !isDone(after) || isDone(before)) return
  latencies.push(performance.now() - (createdMs.get(after.metadata.name) ?? 0))
  if (latencies.length === podCount) bound.resolve()
})
delay.enable()
const cpu = process.threadCpuUsage()
const began = performance.now()
let next = 0
const creator = async () => {
  for (let i = next++; i < podCount; i = next++) {
    const made = podAt(i)
    createdMs.set(made.metadata.name, performance.now())
    await client.create(pod, made)
    // Lets others run, as a connection would.
    await new Promise((resolve) => setImmediate(resolve))
  }
}
await Promise.all(Array.from({ length: inFlight }, creator))
await bound.promise
const elapsedMs = performance.now() - began
delay.disable()
const { user, system } = process.threadCpuUsage(cpu)
latencies.sort((a, b) => a - b)
const at = (q: number) => (latencies[Math.floor(latencies.length * q)] ?? latencies.at(-1) ?? 0).toFixed(1)
console.log(
  `${shape}: ${nodeCount} nodes, ${podCount} pods: ${Math.round((podCount / elapsedMs) * 1000)} pods/s`,
  `· main thread ${((user + system) / podCount).toFixed(0)} µs a pod · create to bound p50 ${at(0.5)} ms p99 ${at(0.99)} ms`,
  `· loop max ${(delay.max / 1e6).toFixed(1)} ms`,
)
await scheduler.stop()
await views.close()
