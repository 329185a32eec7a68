import type { Kind, Node, Pod } from '@skiff/api'
import { type KubeObject, notFound, withVersion } from '@skiff/machinery'
import type { HandlerContext, Part } from '../handler.ts'
import type { NodeDirectory } from '../parts/node-directory.ts'
import type { Entry } from '../registry/entry.ts'
import { entriesOf, find } from '../registry/tree.ts'
import { replyEntry, replyPage } from '../represent/represent.ts'
import { keyOfCall, type Request, type Rest } from '../rest/context.ts'
import { listOptions, type Match } from '../rest/list-options.ts'
import { knownNodeMetrics, knownPodMetrics, nodeMetricsOf, podIndex, podMetricsOf } from './measure.ts'
import { createSampler, type Sampler } from './sampler.ts'

/** How the metrics of some objects are found. */
interface Measure<T extends KubeObject> {
  readonly of: 'pods' | 'nodes'
  /** What refusals call it by. */
  readonly named: string
  readonly counts: (object: T) => boolean
  readonly measure: (objects: readonly T[], rest: Rest) => Promise<readonly KubeObject[]>
}

/** Metrics are made when they are read: they have no revision, and are of no store. */
const entryOf = (kind: Kind, object: KubeObject): Entry => {
  const { name, namespace } = object.metadata
  const bytes = withVersion(kind.codec.encode(object))
  return { key: namespace ? `${namespace}/${name}` : name, revision: 0, object, bytes }
}

const measured =
  <T extends KubeObject>({ of, named, counts, measure }: Measure<T>): Part =>
  async (context, request) => {
    const { call, kind } = request
    const { rest, tables } = context
    const cache = await rest.storage.cache(rest.registry.find('', 'v1', of) as Kind)
    await rest.storage.fresh()
    if (call.verb === 'get') {
      const object = find(cache.tree, keyOfCall(kind, call))?.object as T | undefined
      const [found] = object && counts(object) ? await measure([object], rest) : []
      if (!found)
        throw notFound({ group: kind.group, resource: named }, call.namespace ? `${call.namespace}/${call.name ?? ''}` : (call.name ?? ''))
      return replyEntry(call, kind, entryOf(kind, found), tables)
    }
    const { match } = optionsOf(context, request)
    const prefix = kind.namespaced && call.namespace !== undefined ? `${call.namespace}/` : ''
    const chosen: T[] = []
    for (const { object } of entriesOf(cache.tree, prefix)) if (counts(object as T) && match(object)) chosen.push(object as T)
    const found = await measure(chosen, rest)
    return replyPage(call, { kind, revision: 0, entries: found.map((each) => entryOf(kind, each)) }, tables)
  }

const optionsOf = ({ rest }: HandlerContext, { call, kind }: Request): { readonly match: Match } => ({
  match: listOptions(kind, call, rest.gates).match ?? (() => true),
})

const podMeasure = (sampler: Sampler, directory: NodeDirectory): Measure<Pod> => ({
  of: 'pods',
  named: 'podmetrics',
  counts: ({ spec, status }) => Boolean(spec.nodeName) && status?.phase === 'Running',
  measure: async (pods, { env }) => {
    const { meter } = directory
    const looked = pods.map(({ spec }) => spec.nodeName as string).filter((name) => !meter?.has(name))
    const usage = podIndex(await sampler.of(looked))
    const nowMs = env.now()
    return pods.flatMap((pod) => {
      if (meter?.has(pod.spec.nodeName as string)) return knownPodMetrics(pod, meter.of(pod), nowMs) ?? []
      const pair = usage(pod)
      return (pair && podMetricsOf(pod, ...pair, nowMs)) ?? []
    })
  },
})

// So many pods are looked at before others have their turn.
const stride = 2_000

type Known = ReturnType<NonNullable<NodeDirectory['meter']>['of']>

/** What the pods of nodes that are played use, by node. */
const knownByNode = async (names: ReadonlySet<string>, { meter }: NodeDirectory, rest: Rest): Promise<ReadonlyMap<string, Known>> => {
  const found = new Map<string, Known[number][]>()
  if (!meter || names.size === 0) return found
  let seen = 0
  for (const { object } of entriesOf((await rest.storage.cache(rest.registry.find('', 'v1', 'pods') as Kind)).tree, '')) {
    seen += 1
    if (seen % stride === 0) await rest.env.sleep(0)
    const pod = object as Pod
    const { nodeName = '' } = pod.spec
    if (!names.has(nodeName)) continue
    const held = found.get(nodeName)
    if (held) held.push(...meter.of(pod))
    else found.set(nodeName, [...meter.of(pod)])
  }
  return found
}

const nodeMeasure = (sampler: Sampler, directory: NodeDirectory): Measure<Node> => ({
  of: 'nodes',
  named: 'nodemetrics',
  counts: () => true,
  measure: async (nodes, rest) => {
    const names = nodes.map(({ metadata }) => metadata.name)
    const played = new Set(names.filter((name) => directory.meter?.has(name)))
    const known = await knownByNode(played, directory, rest)
    const samples = await sampler.of(names.filter((name) => !played.has(name)))
    const nowMs = rest.env.now()
    return nodes.flatMap((node) => {
      const { name } = node.metadata
      if (played.has(name)) return [knownNodeMetrics(node, known.get(name) ?? [], nowMs)]
      const pair = samples.get(name)
      return pair ? [nodeMetricsOf(node, pair, nowMs)] : []
    })
  },
})

/** metrics.k8s.io as a metrics server has it, over what the agents of the nodes measure. By `group/plural`. */
export const usageParts = (nodes: NodeDirectory, env: HandlerContext['rest']['env']): ReadonlyMap<string, Part> => {
  const sampler = createSampler(nodes, env)
  return new Map([
    ['metrics.k8s.io/pods', measured(podMeasure(sampler, nodes))],
    ['metrics.k8s.io/nodes', measured(nodeMeasure(sampler, nodes))],
  ])
}
