/**
 * A cluster as `skiff up --simulated-nodes` has it, in a process of its own: durable store, API server, controllers, scheduler and the nodes.
 * Arguments: directory, number of nodes. Prints one line of JSON when it serves, and one for each line on its standard input: `counts`,
 * `profile` (begins one, or ends it), `nodes` (makes the nodes; answers at once).
 */
import { createInterface } from 'node:readline'
import { type Node, node as nodes, type Pod, pod as pods } from '@skiff/api'
import { loopbackIdentity } from '@skiff/apiserver'
import { createViews } from '@skiff/client'
import { startControllers } from '@skiff/controllers'
import { systemEnv } from '@skiff/machinery'
import { startScheduler } from '@skiff/scheduler'
import { startSimulation, usualShape } from '@skiff/simulation'
import { openDurableStore } from '@skiff/store'
import { startPlainServer } from '../api/plain-server.ts'
import { startProfile, stopProfile } from '../api/profile.ts'

const dir = process.argv[2] as string
const count = Number(process.argv[3])
const base = systemEnv()
const loud = (level: string) => (message: string, facts?: object) =>
  process.stderr.write(`${level} ${message} ${JSON.stringify(facts ?? {})}\n`)
const log = { debug() {}, info() {}, warn: loud('warn'), error: loud('error'), child: () => log }
const env = { ...base, log }
const store = await openDurableStore({ dir: `${dir}/store`, env })
const administrator = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }
const server = await startPlainServer(dir, {
  store,
  env,
  tokens: [(token) => (token === 'bench' ? { identity: administrator, untilMs: Number.POSITIVE_INFINITY } : undefined)],
})
const component = (name: string) => server.client({ name, groups: ['system:authenticated'] })
await startControllers({
  client: component('system:kube-controller-manager'),
  env,
  enabled: ['*'],
  resources: () => server.registry.all().filter((kind) => !kind.conversion),
  rootCa: () => server.authorities.clients.cert,
})
const scheduling = component('system:kube-scheduler')
await startScheduler({ client: scheduling, views: createViews(scheduling, env), env })

// Counted here, where a change costs next to nothing, and not by a client that takes the same processors.
const counts = { nodes: 0, ready: 0, pods: 0, bound: 0, running: 0, available: 0 }
const views = createViews(server.client(loopbackIdentity), env)
const isReady = ({ status }: Node | Pod) => status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
const takesPods = (node: Node) => isReady(node) && (node.spec.taints ?? []).length === 0
const add = (name: keyof typeof counts, is: (object: never) => boolean, before: unknown, after: unknown): void => {
  counts[name] += Number(after !== undefined && is(after as never)) - Number(before !== undefined && is(before as never))
}
views.view(nodes).subscribe(({ before, after }) => {
  add('nodes', () => true, before, after)
  add('ready', takesPods, before, after)
})
views.view(pods).subscribe(({ before, after }) => {
  add('pods', () => true, before, after)
  add('bound', (pod: Pod) => pod.spec.nodeName !== undefined, before, after)
  add('running', (pod: Pod) => pod.status?.phase === 'Running', before, after)
  add('available', (pod: Pod) => isReady(pod) && !pod.metadata.deletionTimestamp, before, after)
})
const say = (value: unknown) => console.log(JSON.stringify(value))
let profiles = false
const answers: Record<string, () => unknown> = {
  counts: () => counts,
  nodes: () => {
    void startSimulation({ client: server.client(loopbackIdentity), env, views, shapes: [usualShape(count)] })
    return 'started'
  },
  profile: async () => {
    profiles = !profiles
    if (profiles) await startProfile()
    return profiles ? 'profiles' : await stopProfile(40)
  },
}
createInterface({ input: process.stdin }).on('line', async (line) => say(await answers[line]?.()))
say({ port: server.port, ca: server.authorities.clients.cert })
process.on('SIGTERM', () => process.exit())
