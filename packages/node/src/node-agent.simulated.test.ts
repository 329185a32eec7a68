import { text } from 'node:stream/consumers'
import { lease, node, type Pod, pod as pods } from '@skiff/api'
import { virtualEnv } from '@skiff/client'
import { afterEach, expect, test } from 'vitest'
import { type NodeAgent, startNodeAgent } from './node-agent.ts'
import type { SimulatedOptions } from './runtimes/simulated/options.ts'
import { createSimulatedRuntime, type SimulatedRuntime } from './runtimes/simulated/runtime.ts'
import { createApiForNodes } from './testing/api-for-nodes.ts'

const agents: { readonly agent: NodeAgent; readonly runtime: SimulatedRuntime }[] = []

afterEach(async () => {
  for (const { agent, runtime } of agents.splice(0)) {
    await agent.stop()
    runtime.close()
  }
})

const startNode = async (more: Partial<SimulatedOptions> = {}) => {
  const env = virtualEnv()
  const api = createApiForNodes(env)
  const runtime = createSimulatedRuntime({ env, podCidr: '10.244.1.0/24', ...more })
  const start = async () => {
    const starting = startNodeAgent({
      client: api.client,
      env,
      nodeName: 'n1',
      runtime,
      podCidr: '10.244.1.0/24',
      clusterDns: ['10.96.0.10'],
      clusterDomain: 'cluster.local',
      addresses: [
        { type: 'InternalIP', address: '192.0.2.1' },
        { type: 'Hostname', address: 'n1' },
      ],
    })
    await env.advance(1)
    const agent = await starting
    agents.push({ agent, runtime })
    return agent
  }
  return { env, api, runtime, start, agent: await start() }
}

const short = (pod: Pod | undefined): string => {
  if (!pod) return 'gone'
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
  const told = statuses.map(({ name, state, restartCount, ready }) => {
    const what = state?.running ? 'running' : (state?.terminated?.reason ?? state?.waiting?.reason)
    return `${name}=${what}#${restartCount}${ready ? '+' : ''}`
  })
  return [pod.status?.phase, ...told].join(' ')
}

test('the node registers, is ready, and keeps its lease', async () => {
  const { api, env } = await startNode()
  const [own] = api.server.all(node)
  expect(own?.spec.podCIDR).toBe('10.244.1.0/24')
  expect(own?.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux' })
  expect(own?.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True', reason: 'KubeletReady' })
  expect(own?.status?.nodeInfo).toMatchObject({ containerRuntimeVersion: 'simulated://1', kubeletVersion: 'v1.33.0' })
  const before = api.server.all(lease)[0]?.spec.renewTime
  const writes = api.server.writes.filter((write) => write.includes('nodes/status')).length
  await env.advance(30_000)
  expect(api.server.all(lease)[0]?.spec.renewTime).not.toBe(before)
  expect(api.server.writes.filter((write) => write.includes('nodes/status')).length, 'an unchanged status is not written').toBe(writes)
  await env.advance(300_000)
  expect(api.server.writes.filter((write) => write.includes('nodes/status')).length).toBe(writes + 1)
})

test('a node that was called Unknown while it was silent says within its next turn that it is Ready', async () => {
  const { api, env } = await startNode()
  const ready = () => api.server.all(node)[0]?.status?.conditions?.find(({ type }) => type === 'Ready')
  const conditions = (api.server.all(node)[0]?.status?.conditions ?? []).map((each) => ({
    ...each,
    status: 'Unknown' as const,
    reason: 'NodeStatusUnknown',
    lastTransitionTime: '2025-01-01T00:00:01Z',
  }))
  await api.client.patch(node, { name: 'n1', subresource: 'status' }, 'strategic', { status: { conditions } })
  expect(ready()?.status).toBe('Unknown')
  await env.advance(10_000)
  expect(ready()).toMatchObject({ status: 'True', reason: 'KubeletReady', lastTransitionTime: '2025-01-01T00:00:10Z' })
})

test('a pod runs, is ready, and tells its story in events', async () => {
  const { api, env } = await startNode()
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(0)
  const pod = api.pod('p')
  expect(short(pod)).toBe('Running c=running#0+')
  expect(pod?.status).toMatchObject({ podIP: '10.244.1.2', hostIP: '192.0.2.1', qosClass: 'BestEffort' })
  expect(pod?.status?.containerStatuses?.[0]?.imageID).toMatch(/^web@sha256:/)
  expect(api.events('p')).toEqual([
    'Pulling Pulling image "web:1"',
    'Pulled Successfully pulled image "web:1" in 0s (0s including waiting). Image size: 1000000 bytes.',
    'Created Created container: c',
    'Started Started container c',
  ])
})

test('a pod of another node is not touched', async () => {
  const { api, env, runtime } = await startNode()
  await api.bind('n2', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(1_000)
  expect(await runtime.listPodSandboxes()).toEqual([])
})

test('deletion: grace, then the object goes, and nothing is left in the runtime', async () => {
  const { api, env, runtime } = await startNode({ behave: () => ({ stopMs: 3_000 }) })
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(0)
  await api.client.remove(pods, { namespace: 'default', name: 'p' })
  await env.advance(2_000)
  expect(short(api.pod('p'))).toBe('Running c=running#0+')
  await env.advance(2_000)
  expect(api.pod('p')).toBeUndefined()
  expect([await runtime.listPodSandboxes(), await runtime.listContainers()]).toEqual([[], []])
  expect(api.events('p').at(-1)).toBe('Killing Stopping container c')
})

test('a shorter grace hurries a kill that is under way', async () => {
  const { api, env } = await startNode({ behave: () => ({ stopMs: 60_000 }) })
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(0)
  await api.client.remove(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 50 })
  await env.advance(1_000)
  await api.client.remove(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 5 })
  await env.advance(6_000)
  expect(api.pod('p')).toBeUndefined()
})

test('a crashing container backs off and comes back', async () => {
  const { api, env } = await startNode()
  await api.bind('n1', {
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'web:1', command: ['sh', '-c', 'sleep 1; exit 3'] }] },
  })
  await env.advance(2_500)
  expect(short(api.pod('p'))).toBe('Running c=CrashLoopBackOff#1')
  expect(api.pod('p')?.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(3)
  await env.advance(10_000)
  expect(short(api.pod('p'))).toBe('Running c=running#2+')
  expect(api.events('p')).toContainEqual(expect.stringMatching(/^BackOff Back-off restarting failed container c in pod p_default\(/))
})

test('init containers run in order, and a job succeeds', async () => {
  const { api, env } = await startNode()
  const spec = {
    restartPolicy: 'Never' as const,
    initContainers: [{ name: 'i', image: 'web:1', command: ['sleep', '2'] }],
    containers: [{ name: 'c', image: 'web:1', command: ['sh', '-c', 'echo done; exit 0'] }],
  }
  await api.bind('n1', { metadata: { name: 'p' }, spec })
  await env.advance(1_000)
  expect(short(api.pod('p'))).toBe('Pending i=running#0 c=PodInitializing#0')
  await env.advance(2_000)
  expect(short(api.pod('p'))).toBe('Succeeded i=Completed#0+ c=Completed#0')
})

test('an image that cannot be pulled: ErrImagePull, then ImagePullBackOff, then again', async () => {
  const { api, env } = await startNode({ images: { refuse: (image) => (image.startsWith('no') ? 'not found' : undefined) } })
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'no:1' }] } })
  await env.advance(100)
  expect(short(api.pod('p'))).toBe('Pending c=ErrImagePull#0')
  await env.advance(2_000)
  expect(short(api.pod('p'))).toBe('Pending c=ImagePullBackOff#0')
  const message = 'rpc error: code = NotFound desc = failed to pull and unpack image "no:1": not found'
  expect(api.pod('p')?.status?.containerStatuses?.[0]?.state?.waiting?.message).toBe(
    `Back-off pulling image "no:1": ErrImagePull: ${message}`,
  )
  await env.advance(10_000)
  expect(api.events('p').slice(0, 5)).toEqual([
    'Pulling Pulling image "no:1"',
    `Failed Failed to pull image "no:1": ${message}`,
    'Failed Error: ErrImagePull',
    'BackOff Back-off pulling image "no:1"',
    'Failed Error: ImagePullBackOff',
  ])
})

test('policy Never and an invalid name are told apart', async () => {
  const { api, env } = await startNode()
  await api.bind('n1', { metadata: { name: 'a' }, spec: { containers: [{ name: 'c', image: 'web:1', imagePullPolicy: 'Never' }] } })
  await api.bind('n1', { metadata: { name: 'b' }, spec: { containers: [{ name: 'c', image: 'Web' }] } })
  await env.advance(100)
  expect(short(api.pod('a'))).toBe('Pending c=ErrImageNeverPull#0')
  expect(short(api.pod('b'))).toBe('Pending c=InvalidImageName#0')
})

test('readiness follows the probe', async () => {
  const { api, env } = await startNode()
  const metadata = { name: 'p', annotations: { 'simulated.skiff.dev/ready-ms': '5000' } }
  const readinessProbe = { httpGet: { port: '80' }, periodSeconds: 2 }
  await api.bind('n1', { metadata, spec: { containers: [{ name: 'c', image: 'web:1', readinessProbe }] } })
  await env.advance(4_000)
  expect(short(api.pod('p'))).toBe('Running c=running#0')
  await env.advance(3_000)
  expect(short(api.pod('p'))).toBe('Running c=running#0+')
})

test('a failing liveness probe restarts the container', async () => {
  const { api, env } = await startNode()
  const metadata = { name: 'p', annotations: { 'simulated.skiff.dev/ready-ms': '60000' } }
  const livenessProbe = { httpGet: { port: '80' }, periodSeconds: 1, failureThreshold: 2 }
  await api.bind('n1', { metadata, spec: { containers: [{ name: 'c', image: 'web:1', livenessProbe }] } })
  await env.advance(1_500)
  expect(short(api.pod('p'))).toBe('Running c=running#1+')
  expect(api.events('p')).toContain('Killing Container c failed liveness probe, will be restarted')
  expect(api.events('p')).toContain('Unhealthy Liveness probe failed: simulated: not ready')
})

test('a new agent finds what runs and touches nothing', async () => {
  const { api, env, runtime, agent, start } = await startNode()
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(0)
  const before = await runtime.listContainers()
  await agent.stop()
  await start()
  await env.advance(5_000)
  expect(await runtime.listContainers()).toEqual(before)
  expect(short(api.pod('p'))).toBe('Running c=running#0+')
})

test('a pod that went while no agent ran is ended by the next one', async () => {
  const { api, env, runtime, agent, start } = await startNode()
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(0)
  await agent.stop()
  await api.client.remove(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 })
  await start()
  await env.advance(5_000)
  expect([await runtime.listPodSandboxes(), await runtime.listContainers()]).toEqual([[], []])
})

test('a sandbox that dies is replaced', async () => {
  const { api, env, runtime } = await startNode()
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(0)
  runtime.crash((await runtime.listPodSandboxes())[0]?.sandboxId ?? '')
  await env.advance(1_000)
  expect(short(api.pod('p'))).toBe('Running c=running#1+')
  expect(api.pod('p')?.status?.podIP).toBe('10.244.1.3')
  expect(api.events('p')).toContain('SandboxChanged Pod sandbox changed, it will be killed and re-created.')
})

test('a pod that does not fit is refused', async () => {
  const { api, env } = await startNode()
  await api.bind('n1', {
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu: '100' } } }] },
  })
  await env.advance(100)
  expect(api.pod('p')?.status).toMatchObject({
    phase: 'Failed',
    reason: 'OutOfcpu',
    message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 100000, used: 0, capacity: 32000",
  })
})

test('logs: of the running instance and of the one before, by their last lines, and as they come', async () => {
  const { api, env, agent } = await startNode()
  const command = ['sh', '-c', 'echo one; sleep 1; echo two; sleep 1; exit 1']
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1', command }] } })
  await env.advance(1_500)
  const target = { namespace: 'default', pod: 'p', container: 'c' }
  expect(await text(await agent.service.logs(target))).toBe('one\ntwo\n')
  expect(await text(await agent.service.logs({ ...target, tailLines: 1 }))).toBe('two\n')
  expect(await text(await agent.service.logs({ ...target, limitBytes: 5 }))).toBe('one\nt')
  expect(await text(await agent.service.logs({ ...target, timestamps: true, tailLines: 1 }))).toMatch(
    /^2025-01-01T00:00:0\d\.\d{9}Z two\n$/,
  )
  await expect(agent.service.logs({ ...target, previous: true })).rejects.toThrow('previous terminated container "c" in pod "p" not found')
  const followed = text(await agent.service.logs({ ...target, follow: true }))
  await env.advance(1_000)
  expect(await text(await agent.service.logs({ ...target, previous: true }))).toBe('one\ntwo\n')
  await env.advance(1_000)
  expect(await followed).toBe('one\ntwo\n')
  await expect(agent.service.logs({ ...target, container: 'x' })).rejects.toThrow('container "x" in pod "p" is not available')
})

test('a forced deletion takes the object at once, and what runs within the grace of its spec', async () => {
  const { api, env, runtime } = await startNode({ behave: () => ({ stopMs: 60_000 }) })
  const spec = { terminationGracePeriodSeconds: 5, containers: [{ name: 'c', image: 'web:1' }] }
  await api.bind('n1', { metadata: { name: 'p' }, spec })
  await env.advance(0)
  await api.client.remove(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 })
  expect(api.pod('p')).toBeUndefined()
  await env.advance(6_000)
  expect([await runtime.listPodSandboxes(), await runtime.listContainers()]).toEqual([[], []])
})

test('a pod of the same name may follow while the first still ends', async () => {
  const { api, env, runtime } = await startNode({ behave: () => ({ stopMs: 1_500 }) })
  const spec = { containers: [{ name: 'c', image: 'web:1' }] }
  await api.bind('n1', { metadata: { name: 'p' }, spec })
  await env.advance(0)
  const first = api.pod('p')?.metadata.uid
  await api.client.remove(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 })
  await api.bind('n1', { metadata: { name: 'p' }, spec })
  await env.advance(10)
  expect(short(api.pod('p'))).toBe('Running c=running#0+')
  expect(api.pod('p')?.metadata.uid).not.toBe(first)
  await env.advance(3_000)
  expect((await runtime.listPodSandboxes()).map(({ podUid }) => podUid)).toEqual([api.pod('p')?.metadata.uid])
})

test('preStop runs within the grace, and what is left of it is the container’s', async () => {
  const { api, env } = await startNode({ behave: () => ({ stopMs: 60_000 }) })
  const lifecycle = { preStop: { sleep: { seconds: 4 } } }
  const spec = { terminationGracePeriodSeconds: 10, containers: [{ name: 'c', image: 'web:1', lifecycle }] }
  await api.bind('n1', { metadata: { name: 'p' }, spec })
  await env.advance(0)
  await api.client.remove(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 10 })
  await env.advance(9_500)
  expect(short(api.pod('p'))).toBe('Running c=running#0+')
  await env.advance(1_000)
  expect(api.pod('p')).toBeUndefined()
})

test('a sidecar is up before the pod proper, and ends after it', async () => {
  const { api, env, runtime } = await startNode({ behave: ({ name }) => ({ stopMs: name === 's' ? 100 : 2_000 }) })
  const initContainers = [{ name: 's', image: 'web:1', restartPolicy: 'Always' }]
  await api.bind('n1', { metadata: { name: 'p' }, spec: { initContainers, containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(0)
  expect(short(api.pod('p'))).toBe('Running s=running#0+ c=running#0+')
  const ended: string[] = []
  const stop = new AbortController()
  const names = new Map((await runtime.listContainers()).map(({ containerId, name }) => [containerId, name]))
  void (async () => {
    for await (const { kind, containerId } of runtime.events(stop.signal) ?? [])
      if (kind === 'stopped') ended.push(names.get(containerId) ?? 'sandbox')
  })()
  await api.client.remove(pods, { namespace: 'default', name: 'p' })
  await env.advance(5_000)
  stop.abort()
  expect(ended).toEqual(['c', 's', 'sandbox'])
})

test('an active deadline fails the pod', async () => {
  const { api, env } = await startNode()
  await api.bind('n1', { metadata: { name: 'p' }, spec: { activeDeadlineSeconds: 30, containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(29_000)
  expect(short(api.pod('p'))).toBe('Running c=running#0+')
  await env.advance(2_000)
  expect(api.pod('p')?.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' })
})

test('a finalizer keeps the object after its containers have gone', async () => {
  const { api, env, runtime } = await startNode()
  await api.bind('n1', { metadata: { name: 'p', finalizers: ['example.com/x'] }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(0)
  await api.client.remove(pods, { namespace: 'default', name: 'p' })
  await env.advance(5_000)
  expect(await runtime.listPodSandboxes()).toEqual([])
  expect(api.pod('p')?.status?.phase).toBe('Succeeded')
  const writes = api.server.writes.length
  await env.advance(5_000)
  expect(api.server.writes.slice(writes).filter((write) => write.includes('pods'))).toEqual([])
  await api.client.patch(pods, { namespace: 'default', name: 'p' }, 'merge', { metadata: { finalizers: null } })
  expect(api.pod('p')).toBeUndefined()
})

test('an ephemeral container joins a pod that runs', async () => {
  const { api, env } = await startNode()
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(0)
  const ephemeralContainers = [{ name: 'debug', image: 'tools:1', targetContainerName: 'c' }]
  await api.client.patch(pods, { namespace: 'default', name: 'p' }, 'merge', { spec: { ephemeralContainers } })
  await env.advance(100)
  expect(api.pod('p')?.status?.ephemeralContainerStatuses?.[0]).toMatchObject({ name: 'debug', state: { running: {} }, restartCount: 0 })
})

test('a pull that hangs does not hold back the end of its pod', async () => {
  const { api, env } = await startNode({ images: { pullMs: 600_000 } })
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(1_000)
  expect(short(api.pod('p'))).toBe('Pending c=ContainerCreating#0')
  await api.client.remove(pods, { namespace: 'default', name: 'p' })
  await env.advance(1_000)
  expect(api.pod('p')).toBeUndefined()
})

test('drain ends every container and leaves the objects', async () => {
  const { api, env, runtime, agent } = await startNode()
  await api.bind('n1', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'web:1' }] } })
  await env.advance(0)
  const draining = agent.drain(1)
  await env.advance(2_000)
  await draining
  expect((await runtime.listContainers()).map(({ state }) => state)).toEqual(['exited'])
  expect(short(api.pod('p'))).toBe('Running c=running#0+')
})

test('status is written as little as it can be', async () => {
  const { api, env } = await startNode()
  await api.bind('n1', {
    metadata: { name: 'p' },
    spec: {
      containers: [
        { name: 'a', image: 'web:1' },
        { name: 'b', image: 'web:1' },
      ],
    },
  })
  await env.advance(60_000)
  expect(api.server.writes.filter((write) => write === 'update pods/status default/p').length).toBeLessThanOrEqual(2)
})
