/** One workload, in this process: `node run.ts NAME [durable|memory]`. Prints a line of JSON. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { namespace, node, pod, priorityClass, service, serviceAccount } from '@skiff/api'
import { loopbackIdentity } from '@skiff/apiserver'
import { createViews } from '@skiff/client'
import { keyOf, systemEnv } from '@skiff/machinery'
import { startScheduler } from '@skiff/scheduler'
import { openDurableStore, openMemoryStore } from '@skiff/store'
import { startPlainServer } from '../api/plain-server.ts'
import { type Case, cases, type Step, type Template } from './cases.ts'
import { nodeOf, podOf, serviceOf } from './objects.ts'

const inFlight = 64
const [name = '', storeKind = 'durable'] = process.argv.slice(2)
const { steps } = cases[name] as Case
const env = systemEnv()
const dir = mkdtempSync(join(tmpdir(), 'skiff-scheduler-perf-'))
const store = storeKind === 'memory' ? openMemoryStore() : await openDurableStore({ dir: `${dir}/store`, env })
const server = await startPlainServer(dir, { store, env })
const client = server.client(loopbackIdentity)
const views = createViews(client, env)
const scheduler = await startScheduler({ client, views, env })

const made = new Map<string, number>()
const boundAtMs = new Map<string, number>()
let whenBound = () => {}
views.view(pod).subscribe(({ before, after }) => {
  if (!after?.spec.nodeName || before?.spec.nodeName) return
  boundAtMs.set(keyOf(after), performance.now())
  whenBound()
})

const many = async (count: number, act: (index: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  const one = async () => {
    for (let index = next++; index < count; index = next++) await act(index)
  }
  await Promise.all(Array.from({ length: inFlight }, one))
}
const known = new Set<string>()
const spaceOf = async (wanted: string): Promise<string> => {
  if (known.has(wanted)) return wanted
  known.add(wanted)
  await client.create(namespace, { metadata: { name: wanted } } as never)
  await client.create(serviceAccount, { metadata: { name: 'default', namespace: wanted } } as never)
  return wanted
}
const createNode = async (named: string, zone: string | undefined, pods: number): Promise<void> => {
  const created = await client.create(node, nodeOf(named, zone, pods))
  // Admission gives a new node the taint of one that is not ready.
  if (created.spec.taints) await client.update(node, { ...created, spec: {} } as never)
}
let nodeCount = 0
const createPods = async (template: Template, count: number, space: string): Promise<string[]> => {
  const keys: string[] = []
  await many(count, async () => {
    const atMs = performance.now()
    const key = keyOf(await client.create(pod, podOf(template, space)))
    made.set(key, atMs)
    keys.push(key)
    // Lets others run, as a connection would.
    await new Promise((resolve) => setImmediate(resolve))
  })
  return keys
}
const allBound = (keys: readonly string[]): Promise<void> =>
  new Promise((resolve) => {
    let left = keys.filter((key) => !boundAtMs.has(key))
    const look = () => {
      // Looked at again when as many more are bound as there are left.
      if (--waitFor > 0) return
      left = left.filter((key) => !boundAtMs.has(key))
      waitFor = left.length
      if (left.length === 0) resolve()
    }
    let waitFor = left.length
    whenBound = look
    if (left.length === 0) resolve()
  })

const stops: (() => void)[] = []
const churn = ({ churn: what, mode, everyMs }: Extract<Step, { churn: unknown }>, space: string): void => {
  let turn = 0
  let undo: (() => Promise<unknown>)[] = []
  const makers: Readonly<Record<string, () => Promise<() => Promise<unknown>>>> = {
    node: async () => {
      const named = `churn-${turn}`
      await createNode(named, undefined, 110)
      return () => client.remove(node, { name: named })
    },
    service: async () => {
      await client.create(service, serviceOf(`churn-${turn}`, space))
      const named = `churn-${turn}`
      return () => client.remove(service, { namespace: space, name: named })
    },
  }
  const makePod = (template: Template) => async () => {
    const { metadata } = await client.create(pod, podOf(template, space))
    return () => client.remove(pod, { namespace: space, name: metadata.name })
  }
  const step = async (): Promise<void> => {
    turn++
    if (mode === 'recreate' && undo.length > 0) {
      await Promise.all(undo.splice(0).map((each) => each()))
      return
    }
    const done = await Promise.all(what.map((each) => (makers[each] ?? makePod(each as Template))()))
    if (mode === 'recreate') undo = done
  }
  const timer = setInterval(() => void step().catch((error) => console.error(String(error))), everyMs)
  stops.push(() => clearInterval(timer))
}

await client.create(priorityClass, { metadata: { name: 'high' }, value: 10, globalDefault: false } as never)
let spaces = 0
let result = {}
for (const step of steps) {
  if ('nodes' in step) {
    const { nodes, zones, name: named, pods = 110 } = step
    const from = nodeCount
    nodeCount += nodes
    await many(nodes, (index) => createNode(named ?? `node-${from + index}`, zones?.[index % zones.length], pods))
    continue
  }
  const space = await spaceOf(('namespace' in step && step.namespace) || `namespace-${++spaces}`)
  if ('churn' in step) {
    churn(step, space)
    continue
  }
  const cpu = process.threadCpuUsage()
  const began = performance.now()
  const keys = await createPods(step.template, step.pods, space)
  if (step.unbound) continue
  await allBound(keys)
  if (!step.measured) continue
  const lastMs = keys.reduce((last, key) => Math.max(last, boundAtMs.get(key) as number), 0)
  const { user, system } = process.threadCpuUsage(cpu)
  const latencies = keys.map((key) => (boundAtMs.get(key) as number) - (made.get(key) as number)).sort((a, b) => a - b)
  result = {
    podsPerSecond: Math.round((step.pods / (lastMs - began)) * 1000),
    micros: Math.round((user + system) / step.pods),
    p99Ms: Math.round(latencies[Math.floor(latencies.length * 0.99)] as number),
    rssMb: Math.round(process.memoryUsage.rss() / 1024 / 1024),
  }
}
for (const stop of stops) stop()
await scheduler.stop()
await views.close()
await server.close()
await store.close()
rmSync(dir, { recursive: true, force: true })
console.log(JSON.stringify(result))
process.exit(0)
