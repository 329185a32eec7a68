import type { InTreeArgs } from '../config/configuration.ts'
import { type ClusterEvent, type Plugin, unresolvable, unschedulable, type Verdict } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { amountsOf } from '../snapshot/requests.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { freeShare, loadsOf, strategyScore } from './resource-strategies.ts'

const name = 'NodeResourcesFit'

interface Need {
  readonly resource: string
  readonly amount: number
  readonly allocatable: Float64Array
  readonly used: Float64Array
}

const needsOf = (pod: PodInfo, snapshot: Snapshot, isIgnored: (resource: string) => boolean): Need[] => {
  const needs: Need[] = [{ resource: 'pods', amount: 1, ...snapshot.columns.column('pods') }]
  for (const [resource, amount] of pod.requests)
    if (!isIgnored(resource)) needs.push({ resource, amount, ...snapshot.columns.column(resource) })
  return needs
}

/** All that a node lacks, in upstream's order: pods, cpu, memory, ephemeral-storage, then what else is asked for. */
const verdictAt = (needs: readonly Need[], slot: number, made: Map<string, Verdict>): Verdict => {
  const reasons: string[] = []
  let beyondAll = false
  for (const { resource, amount, allocatable, used } of needs) {
    const limit = allocatable[slot] ?? 0
    if (amount <= limit - (used[slot] ?? 0)) continue
    reasons.push(resource === 'pods' ? 'Too many pods' : `Insufficient ${resource}`)
    // More than the whole node has: no pod's removal would help.
    if (resource !== 'pods' && amount > limit) beyondAll = true
  }
  const key = `${beyondAll} ${reasons.join()}`
  const verdict = made.get(key) ?? (beyondAll ? unresolvable(name, ...reasons) : unschedulable(name, ...reasons))
  made.set(key, verdict)
  return verdict
}

type Args = InTreeArgs['NodeResourcesFit']

/** Extended resources that others look after, by name or by the domain before it. */
const ignoring = ({ ignoredResources = [], ignoredResourceGroups = [] }: Args): ((resource: string) => boolean) => {
  if (ignoredResources.length === 0 && ignoredResourceGroups.length === 0) return () => false
  const names = new Set(ignoredResources)
  const groups = new Set(ignoredResourceGroups)
  // Resources of Kubernetes' own are never left to others.
  return (resource) =>
    resource.includes('/') &&
    !resource.includes('kubernetes.io/') &&
    (names.has(resource) || groups.has(resource.slice(0, resource.indexOf('/'))))
}

const isUsual = ({ scoringStrategy: { type, resources } }: Args): boolean =>
  type === 'LeastAllocated' &&
  resources.length === 2 &&
  resources.every(({ name, weight }, index) => weight === 1 && name === ['cpu', 'memory'][index])

/** LeastAllocated over cpu and memory, as nearly every cluster has it: without a loop. */
const usualScore = (pod: PodInfo, { columns }: Snapshot, otherwise: (slot: number) => number): ((slot: number) => number) => {
  const { scoredCpuMilli, scoredMemoryBytes } = columns
  const cpu = columns.column('cpu').allocatable
  const memory = columns.column('memory').allocatable
  return (slot) => {
    if (cpu[slot] === 0 || memory[slot] === 0) return otherwise(slot)
    const cpuScore = freeShare((scoredCpuMilli[slot] as number) + pod.scoredCpuMilli, cpu[slot] as number)
    const memoryScore = freeShare((scoredMemoryBytes[slot] as number) + pod.scoredMemoryBytes, memory[slot] as number)
    return Math.trunc((cpuScore + memoryScore) / 2)
  }
}

/** The pod fits what is free, and nodes score by how full they would be: the emptiest best, unless the strategy says otherwise. */
export const createNodeResourcesFit = (args: Args): Plugin => {
  const isIgnored = ignoring(args)
  const { resources } = args.scoringStrategy
  const score = strategyScore(args.scoringStrategy)
  const usual = isUsual(args)
  return {
    name,
    weight: 1,
    points: ['preFilter', 'filter', 'preScore', 'score'],
    filterReads: 'node',
    ownChanges: ['scaled-down'],
    reactsTo: ['node-added', 'node-updated', 'pod-removed', 'pod-updated'],
    begin: (pod, { snapshot }) => {
      const needs = needsOf(pod, snapshot, isIgnored)
      const made = new Map<string, Verdict>()
      const scoreBy = () => {
        const loads = loadsOf(resources, pod, snapshot, true)
        return (slot: number) => score(loads, slot)
      }
      return {
        filter: (slot) => {
          for (const { amount, allocatable, used } of needs)
            if (amount > (allocatable[slot] as number) - (used[slot] as number)) return verdictAt(needs, slot, made)
          return undefined
        },
        score: usual ? usualScore(pod, snapshot, (slot) => scoreBy()(slot)) : scoreBy(),
      }
    },
    hint: (event, pod) => roomMayAppear(event, pod),
  }
}

export const nodeResourcesFit: Plugin = createNodeResourcesFit({
  scoringStrategy: {
    type: 'LeastAllocated',
    resources: [
      { name: 'cpu', weight: 1 },
      { name: 'memory', weight: 1 },
    ],
  },
})

const roomMayAppear = (event: ClusterEvent, pod: PodInfo): boolean => {
  switch (event.on) {
    case 'node-added':
      return couldHold(event, pod)
    case 'node-updated':
      return event.changed.allocatable && couldHold(event, pod) && grew(event, pod)
    case 'pod-removed':
      return true
    case 'pod-updated': {
      const before = new Map(event.before.requests)
      const now = new Map(event.pod.requests)
      return pod.requests.some(([resource]) => (now.get(resource) ?? 0) < (before.get(resource) ?? 0))
    }
    default:
      return false
  }
}

/** Something that the pod needs became more. */
const grew = ({ before, node }: ClusterEvent & { on: 'node-updated' }, pod: PodInfo): boolean => {
  const [had, has] = [amountsOf(before.status?.allocatable), amountsOf(node.status?.allocatable)]
  return ['pods', ...pod.requests.map(([resource]) => resource)].some((each) => (has.get(each) ?? 0) > (had.get(each) ?? 0))
}

const couldHold = ({ node }: ClusterEvent & { on: 'node-added' | 'node-updated' }, pod: PodInfo): boolean => {
  const has = amountsOf(node.status?.allocatable)
  return (has.get('pods') ?? 0) > 0 && pod.requests.every(([resource, amount]) => amount <= (has.get(resource) ?? 0))
}
