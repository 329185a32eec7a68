import type { Kind, Node, Pod } from '@skiff/api'
import { type KubeObject, notFound } from '@skiff/machinery'
import type { HandlerContext, Part } from '../handler.ts'
import type { NodeDirectory } from '../parts/node-directory.ts'
import type { Entry } from '../registry/entry.ts'
import { entriesOf, find } from '../registry/tree.ts'
import { replyEntry, replyPage } from '../represent/represent.ts'
import { keyOfCall, type Request } from '../rest/context.ts'
import { listOptions, type Match } from '../rest/list-options.ts'
import { nodeMetricsOf, podIndex, podMetricsOf } from './measure.ts'
import { createSampler, type Sampler } from './sampler.ts'

/** How the metrics of some objects are found. */
interface Measure<T extends KubeObject> {
  readonly of: 'pods' | 'nodes'
  /** What refusals call it by. */
  readonly named: string
  readonly counts: (object: T) => boolean
  readonly measure: (objects: readonly T[], nowMs: number) => Promise<readonly KubeObject[]>
}

/** Metrics are made when they are read: they have no revision, and are of no store. */
const entryOf = (kind: Kind, object: KubeObject): Entry => {
  const { name, namespace } = object.metadata
  const bytes = Buffer.from(`${kind.codec.encode(object).text}\n`)
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
      const [found] = object && counts(object) ? await measure([object], rest.env.now()) : []
      if (!found)
        throw notFound({ group: kind.group, resource: named }, call.namespace ? `${call.namespace}/${call.name ?? ''}` : (call.name ?? ''))
      return replyEntry(call, kind, entryOf(kind, found), tables)
    }
    const { match } = optionsOf(context, request)
    const prefix = kind.namespaced && call.namespace !== undefined ? `${call.namespace}/` : ''
    const chosen: T[] = []
    for (const { object } of entriesOf(cache.tree, prefix)) if (counts(object as T) && match(object)) chosen.push(object as T)
    const found = await measure(chosen, rest.env.now())
    return replyPage(call, { kind, revision: 0, entries: found.map((each) => entryOf(kind, each)) }, tables)
  }

const optionsOf = ({ rest }: HandlerContext, { call, kind }: Request): { readonly match: Match } => ({
  match: listOptions(kind, call, rest.gates).match ?? (() => true),
})

const podMeasure = (sampler: Sampler): Measure<Pod> => ({
  of: 'pods',
  named: 'podmetrics',
  counts: ({ spec, status }) => Boolean(spec.nodeName) && status?.phase === 'Running',
  measure: async (pods, nowMs) => {
    const usage = podIndex(await sampler.of(pods.map(({ spec }) => spec.nodeName as string)))
    return pods.flatMap((pod) => {
      const pair = usage(pod)
      return (pair && podMetricsOf(pod, ...pair, nowMs)) ?? []
    })
  },
})

const nodeMeasure = (sampler: Sampler): Measure<Node> => ({
  of: 'nodes',
  named: 'nodemetrics',
  counts: () => true,
  measure: async (nodes, nowMs) => {
    const samples = await sampler.of(nodes.map(({ metadata }) => metadata.name))
    return nodes.flatMap((node) => {
      const pair = samples.get(node.metadata.name)
      return pair ? [nodeMetricsOf(node, pair, nowMs)] : []
    })
  },
})

/** metrics.k8s.io as a metrics server has it, over what the agents of the nodes measure. By `group/plural`. */
export const usageParts = (nodes: NodeDirectory, env: HandlerContext['rest']['env']): ReadonlyMap<string, Part> => {
  const sampler = createSampler(nodes, env)
  return new Map([
    ['metrics.k8s.io/pods', measured(podMeasure(sampler))],
    ['metrics.k8s.io/nodes', measured(nodeMeasure(sampler))],
  ])
}
