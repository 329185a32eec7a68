import type { Pod, Resource } from '@skiff/api'
import * as api from '@skiff/api'
import {
  type Client,
  connect,
  createMemoryServer,
  createViews,
  type FaultRates,
  type Faulty,
  type Handler,
  type MemoryServer,
  type Views,
  type VirtualEnv,
  virtualEnv,
  withFaults,
} from '@skiff/client'
import { rfc3339 } from '@skiff/machinery'
import type { Controller } from '../runner/controller.ts'
import { type RunningController, runController } from '../runner/runner.ts'

/** Every resource that a controller may touch; reviews and metrics have no objects. */
export const storedResources: readonly Resource[] = (Object.values(api) as unknown[]).filter(
  (one): one is Resource =>
    typeof one === 'object' &&
    one !== null &&
    'plural' in one &&
    !/review|^bindings$|componentstatus/.test(String(one.plural)) &&
    (one as Resource).group !== 'metrics.k8s.io' &&
    (one as Resource).group !== 'events.k8s.io' &&
    !((one as Resource).group === 'autoscaling' && (one as Resource).version === 'v1'),
)

export interface TestCluster {
  readonly env: VirtualEnv
  readonly server: MemoryServer
  /** Speaks to the server without faults. */
  readonly client: Client
  readonly views: Views
  readonly faults: Faulty
  readonly running: readonly RunningController[]
  /** Lets time pass while a stand-in for scheduler and node starts pods, makes them ready and lets deleted ones go. */
  live(ms: number): Promise<void>
  events(): string[]
  stop(): Promise<void>
}

export interface TestClusterOptions {
  readonly seed?: number
  readonly rates?: FaultRates
  /** Whether a pod becomes ready once it runs; absent: always. */
  readonly healthy?: (pod: Pod) => boolean
  readonly nodes?: readonly string[]
  /** How a running pod ends now; absent: it runs on. */
  readonly ends?: (pod: Pod, nowMs: number) => 'Succeeded' | 'Failed' | undefined
  /** Pods on a node that is not alive are left as they are. */
  readonly alive?: (node: string) => boolean
  /** Kinds of custom definitions. */
  readonly extra?: readonly Resource[]
  /** Stands before the server, for admission. */
  readonly around?: (handler: Handler) => Handler
}

/** Controllers against the small server, in virtual time. */
export const testCluster = (controllers: readonly Controller[], options: TestClusterOptions = {}): TestCluster => {
  const {
    seed = 1,
    rates = {},
    healthy = () => true,
    nodes = ['n1', 'n2'],
    alive = () => true,
    ends = () => undefined,
    around = (handler) => handler,
  } = options
  const env = virtualEnv(seed)
  const server = createMemoryServer(env, [...storedResources, ...(options.extra ?? [])])
  const faults = withFaults(around(server.handler), env, seed, rates)
  const client = connect(server.handler, { name: 'test', groups: [] })
  const views = createViews(connect(faults.handler, { name: 'views', groups: [] }), env)
  const running = controllers.map((controller) =>
    runController(controller, {
      client: connect(faults.handler, { name: `system:serviceaccount:kube-system:${controller.account}`, groups: [] }),
      views,
      env,
    }),
  )
  const tend = async (pod: Pod): Promise<void> => {
    const { metadata, spec, status } = pod
    if (spec.nodeName && !alive(spec.nodeName)) return
    const target = { ...(metadata.namespace ? { namespace: metadata.namespace } : {}), name: metadata.name }
    if (metadata.deletionTimestamp) await client.remove(api.pod, target, { gracePeriodSeconds: 0 })
    else if (!spec.nodeName) {
      const living = nodes.filter(alive)
      const drawn = living[Math.floor(env.random() * living.length)] ?? 'n1'
      const node = pinnedTo(pod) ?? drawn
      await client.create(api.pod, { metadata: {}, target: { name: node } } as never, { ...target, subresource: 'binding' })
    } else if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return
    else {
      const running = status?.phase === 'Running'
      const ended = running ? ends(pod, env.now()) : undefined
      const isCurrent = running && healthy(pod) === (status?.conditions?.[0]?.status === 'True')
      const next = ended ? endedStatus(env.now(), ended) : isCurrent ? undefined : runningStatus(env.now(), healthy(pod), status?.startTime)
      if (next) await client.update(api.pod, { ...pod, status: next }, { subresource: 'status' })
    }
  }
  return {
    env,
    server,
    client,
    views,
    faults,
    running,
    live: async (ms) => {
      const untilMs = env.now() + ms
      while (env.now() < untilMs) {
        await env.advance(Math.min(250, untilMs - env.now()))
        for (const pod of server.all(api.pod)) await tend(pod)
      }
      await env.advance(0)
    },
    events: () => server.all(api.event).map(({ type, reason, message, count }) => `${type} ${reason}: ${message} x${count}`),
    stop: async () => {
      faults.stop()
      const stopped = Promise.all(running.map((one) => one.stop()))
      await env.advance(20_000)
      await stopped
      await views.close()
    },
  }
}

/** A pod of a DaemonSet names its node by an affinity. */
const pinnedTo = ({ spec }: Pod): string | undefined =>
  spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0]

let addresses = 1
const runningStatus = (nowMs: number, ready: boolean, startTime = rfc3339(nowMs)): NonNullable<Pod['status']> => {
  addresses = (addresses % 60_000) + 1
  const podIP = `10.1.${addresses >> 8}.${addresses & 255}`
  return {
    phase: 'Running',
    startTime,
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: rfc3339(nowMs) }],
  } as NonNullable<Pod['status']>
}

const endedStatus = (nowMs: number, phase: 'Succeeded' | 'Failed'): NonNullable<Pod['status']> => {
  const terminated = { exitCode: phase === 'Failed' ? 1 : 0, finishedAt: rfc3339(nowMs) }
  const container = { name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated } }
  return { phase, conditions: [], containerStatuses: [container] }
}
