import type { Node, Pod } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import type { ExtenderConfig } from '../config/configuration.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { createPost } from './post.ts'

export interface Filtered {
  /** Names of the nodes that are left. */
  readonly nodes: readonly string[]
  /** Why the others are not, by node. */
  readonly failed: ReadonlyMap<string, string>
  /** Of those, the nodes that no preemption would help. */
  readonly unresolvable: ReadonlyMap<string, string>
}

/** The victims that would make room on a node. */
export interface NodeVictims {
  readonly pods: readonly PodInfo[]
  readonly broken: number
}

/** A server beside the scheduler that has a say in where pods go. */
export interface Extender {
  readonly name: string
  /** Whether pods are scheduled without it while it fails. */
  readonly isIgnorable: boolean
  readonly filters: boolean
  readonly prioritizes: boolean
  readonly binds: boolean
  readonly preempts: boolean
  isInterested(pod: Pod): boolean
  filter(pod: Pod, nodes: readonly Node[]): Promise<Filtered>
  /** What it adds to the score of nodes by name, its weight and the scheduler's scale counted in. */
  prioritize(pod: Pod, nodes: readonly Node[]): Promise<ReadonlyMap<string, number>>
  /** Which nodes it leaves, with which victims, by their uids. */
  preempt(
    pod: Pod,
    victims: ReadonlyMap<string, NodeVictims>,
  ): Promise<ReadonlyMap<string, { readonly uids: readonly string[]; readonly broken: number }>>
  bind(pod: Pod, nodeName: string): Promise<void>
  close(): void
}

type Fields = Readonly<Record<string, unknown>>
/** A field of an answer: extenders write Go's names or lower-case ones, and Go reads either. */
const read = (value: unknown, name: string): unknown => {
  if (typeof value !== 'object' || value === null) return undefined
  const key = Object.keys(value).find((each) => each.toLowerCase() === name)
  return key === undefined ? undefined : (value as Fields)[key]
}
const textMap = (value: unknown): Map<string, string> =>
  new Map(typeof value === 'object' && value !== null ? Object.entries(value).map(([name, text]) => [name, String(text)]) : [])
const listOf = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined)

/** From an extender's 0..10 to the scheduler's 0..100. */
const scale = 10

export const createExtender = (config: ExtenderConfig, env: Env): Extender => {
  const { urlPrefix: name = '', weight = 0, nodeCacheCapable = false } = config
  const { filterVerb = '', prioritizeVerb = '', bindVerb = '', preemptVerb = '' } = config
  const managed = new Set(config.managedResources?.map((each) => each.name))
  const post = createPost(config, env)
  const argsFor = (pod: Pod, nodes: readonly Node[]) => ({
    Pod: pod,
    Nodes: nodeCacheCapable ? null : { metadata: {}, items: nodes },
    NodeNames: nodeCacheCapable ? nodes.map(({ metadata }) => metadata.name) : null,
  })
  const refuseError = (answer: unknown): void => {
    const error = read(answer, 'error')
    if (error) throw new Error(String(error))
  }
  return {
    name,
    isIgnorable: config.ignorable === true,
    filters: filterVerb !== '',
    prioritizes: prioritizeVerb !== '',
    binds: bindVerb !== '',
    preempts: preemptVerb !== '',
    isInterested: ({ spec }) =>
      managed.size === 0 ||
      [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) =>
        [...Object.keys(resources?.requests ?? {}), ...Object.keys(resources?.limits ?? {})].some((each) => managed.has(each)),
      ),
    filter: async (pod, nodes) => {
      const answer = await post(filterVerb, argsFor(pod, nodes))
      refuseError(answer)
      const names = listOf(read(answer, 'nodenames'))
      const items = listOf(read(read(answer, 'nodes'), 'items'))
      const left = nodeCacheCapable && names ? names.map(String) : (items ?? []).map((each) => String(read(read(each, 'metadata'), 'name')))
      const known = new Set(nodes.map(({ metadata }) => metadata.name))
      for (const each of left)
        if (!known.has(each))
          throw new Error(
            `extender ${JSON.stringify(name)} claims a filtered node ${JSON.stringify(each)} which is not found in the input node list`,
          )
      return {
        nodes: left,
        failed: textMap(read(answer, 'failednodes')),
        unresolvable: textMap(read(answer, 'failedandunresolvablenodes')),
      }
    },
    prioritize: async (pod, nodes) => {
      const answer = listOf(await post(prioritizeVerb, argsFor(pod, nodes))) ?? []
      return new Map(answer.map((each) => [String(read(each, 'host')), Number(read(each, 'score') ?? 0) * weight * scale]))
    },
    preempt: async (pod, candidates) => {
      const told = [...candidates].map(([node, { pods, broken }]) => {
        const Pods = nodeCacheCapable ? pods.map(({ uid }) => ({ UID: uid })) : pods.map((each) => each.pod)
        return [node, { Pods, NumPDBViolations: broken }] as const
      })
      const victims = Object.fromEntries(told)
      const answer = await post(preemptVerb, {
        Pod: pod,
        NodeNameToVictims: nodeCacheCapable ? null : victims,
        NodeNameToMetaVictims: nodeCacheCapable ? victims : null,
      })
      const left = read(answer, 'nodenametometavictims')
      return new Map(
        Object.entries((left ?? {}) as Fields).map(([node, each]) => {
          const uids = (listOf(read(each, 'pods')) ?? []).map((one) => String(read(one, 'uid')))
          return [node, { uids, broken: Number(read(each, 'numpdbviolations') ?? 0) }]
        }),
      )
    },
    bind: async ({ metadata }, nodeName) => {
      const { name: PodName, namespace: PodNamespace, uid: PodUID } = metadata
      refuseError(await post(bindVerb, { PodName, PodNamespace, PodUID, Node: nodeName }))
    },
    close: post.close,
  }
}
