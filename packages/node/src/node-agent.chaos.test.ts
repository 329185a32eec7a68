import { type Container, type Pod, pod as pods } from '@skiff/api'
import { virtualEnv } from '@skiff/client'
import { seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { type NodeAgent, startNodeAgent } from './node-agent.ts'
import { type Runtime, RuntimeError } from './runtimes/runtime.ts'
import { createSimulatedRuntime, type SimulatedRuntime } from './runtimes/simulated/runtime.ts'
import { type ApiForNodes, createApiForNodes } from './testing/api-for-nodes.ts'

/** Calls of a runtime that fail now and then, before or after they have done their work. */
const flaky = (runtime: SimulatedRuntime, random: () => number, isCalm: () => boolean): SimulatedRuntime =>
  new Proxy(runtime, {
    get: (target, name) => {
      const member = target[name as keyof Runtime] as unknown
      const spared = ['events', 'close', 'version', 'setPodCidr', 'log', 'isReady', 'exit', 'crash', 'exec', 'attach', 'portForward']
      if (typeof member !== 'function' || spared.includes(String(name))) return member
      return async (...args: unknown[]) => {
        const fails = !isCalm() && random() < 0.05
        if (fails && random() < 0.5) throw new RuntimeError('unavailable', 'lost')
        const answer = await (member as (...all: unknown[]) => Promise<unknown>)(...args)
        if (fails) throw new RuntimeError('unavailable', 'lost after the fact')
        return answer
      }
    },
  })

const specOf = (random: () => number): Pod['spec'] => {
  const container = (name: string): Container => {
    const scripts = ['sleep 3', 'sleep 1; exit 1', 'exit 0', 'run', 'run']
    const script = scripts[Math.floor(random() * scripts.length)] as string
    return { name, image: 'i', command: ['sh', '-c', script] }
  }
  const policies = ['Always', 'Never', 'OnFailure'] as const
  return {
    restartPolicy: policies[Math.floor(random() * 3)] as 'Always',
    terminationGracePeriodSeconds: Math.floor(random() * 5),
    ...(random() < 0.3 ? { initContainers: [{ ...container('i'), command: ['sleep', '1'] }] } : {}),
    ...(random() < 0.2 ? { initContainers: [{ name: 's', image: 'i', restartPolicy: 'Always' }] } : {}),
    containers: random() < 0.3 ? [container('a'), container('b')] : [container('a')],
  }
}

/** At no time do two instances of one container run, and no pod has two sandboxes that are ready. */
const watchRules = (runtime: SimulatedRuntime): (() => Promise<void>) => {
  const complaints: string[] = []
  const look = async () => {
    const count = new Map<string, number>()
    for (const { labels, state } of await runtime.listContainers()) {
      const key = `${labels['io.kubernetes.pod.uid']}/${labels['io.kubernetes.container.name']}`
      if (state === 'running') count.set(key, (count.get(key) ?? 0) + 1)
    }
    for (const { podUid, ready } of await runtime.listPodSandboxes()) if (ready) count.set(podUid, (count.get(podUid) ?? 0) + 1)
    for (const [key, times] of count) if (times > 1) complaints.push(`${key} runs ${times} times`)
  }
  const stop = new AbortController()
  void (async () => {
    for await (const _ of runtime.events(stop.signal) ?? []) await look()
  })()
  return async () => {
    stop.abort()
    expect([...new Set(complaints)]).toEqual([])
  }
}

const act = async (api: ApiForNodes, runtime: SimulatedRuntime, random: () => number, number: number): Promise<void> => {
  const all = api.server.all(pods)
  const chosen = all[Math.floor(random() * all.length)]
  const choice = random()
  if (choice < 0.4 || !chosen) return void (await api.bind('n1', { metadata: { name: `p${number}` }, spec: specOf(random) }))
  const { name, namespace = '' } = chosen.metadata
  if (choice < 0.65) return void (await api.client.remove(pods, { namespace, name }, random() < 0.3 ? { gracePeriodSeconds: 0 } : {}))
  if (choice < 0.8) {
    const running = (await runtime.listContainers()).filter(({ state }) => state === 'running')
    const victim = running[Math.floor(random() * running.length)]
    if (victim) runtime.exit(victim.containerId, random() < 0.5 ? 0 : 1)
    return
  }
  const sandboxes = await runtime.listPodSandboxes()
  const sandbox = sandboxes[Math.floor(random() * sandboxes.length)]
  if (sandbox) runtime.crash(sandbox.sandboxId)
}

test.each(Array.from({ length: 25 }, (_, seed) => seed + 1))(
  'run %i: the rules hold, and calm brings order',
  { timeout: 60_000 },
  async (seed) => {
    const env = virtualEnv(seed)
    const random = seededRandom(seed * 7919)
    const api = createApiForNodes(env)
    const steady = createSimulatedRuntime({
      env,
      sandboxMs: 50,
      startMs: 20,
      behave: (config) => (config.name === 's' ? { stopMs: 300 } : undefined),
    })
    let calm = false
    const runtime = flaky(steady, random, () => calm)
    const checkRules = watchRules(steady)
    const start = async (): Promise<NodeAgent> => {
      const starting = startNodeAgent({
        ...{ client: api.client, env, nodeName: 'n1', runtime, clusterDns: [], clusterDomain: 'cluster.local' },
        addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
      })
      await env.advance(5_000)
      return starting
    }
    let agent = await start()
    for (let number = 0; number < 40; number += 1) {
      await act(api, steady, random, number)
      if (random() < 0.08) {
        const stopping = agent.stop()
        await env.advance(100)
        await stopping
        agent = await start()
      }
      await env.advance(Math.floor(random() * 1_500))
    }
    calm = true
    await env.advance(700_000)
    const left = api.server.all(pods)
    const uids = new Set(left.map(({ metadata }) => metadata.uid))
    expect(left.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(({ metadata }) => metadata.name)).toEqual([])
    expect((await steady.listPodSandboxes()).filter(({ podUid }) => !uids.has(podUid))).toEqual([])
    for (const pod of left) {
      const always = pod.spec.restartPolicy === 'Always'
      const phase = pod.status?.phase
      expect(
        always ? phase === 'Running' : ['Running', 'Succeeded', 'Failed'].includes(phase ?? ''),
        `${pod.metadata.name} is ${phase}`,
      ).toBe(true)
      const ready = (await steady.listPodSandboxes()).filter(({ podUid, ready }) => ready && podUid === pod.metadata.uid)
      expect(ready.length, `${pod.metadata.name} ${phase}`).toBe(phase === 'Running' ? 1 : 0)
    }
    const stopping = agent.stop()
    await env.advance(100)
    await stopping
    steady.close()
    await checkRules()
  },
)
