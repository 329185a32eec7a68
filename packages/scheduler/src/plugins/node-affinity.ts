import type { Node, NodeAffinity, NodeSelector } from '@skiff/api'
import { type Plugin, unresolvable } from '../cycle/framework.ts'
import { matchesNodeSelector, matchesTerm, requiredNodes } from '../match/node-selector.ts'
import { normalizeByHighest } from '../match/normalize.ts'

const name = 'NodeAffinity'
const mismatch = unresolvable(name, "node(s) didn't match Pod's node affinity/selector")
const enforced = unresolvable(name, "node(s) didn't match scheduler-enforced node affinity")
const conflict = unresolvable(name, 'pod affinity terms conflict')

/** The nodes that the terms name, when every term names some: a DaemonSet's pods look at one node only. */
const namedNodes = (required: NodeSelector | undefined): readonly string[] | undefined => {
  const terms = required?.nodeSelectorTerms ?? []
  if (terms.length === 0) return undefined
  const all = new Set<string>()
  for (const { matchFields } of terms) {
    const lists = (matchFields ?? [])
      .filter((each) => each.key === 'metadata.name' && each.operator === 'In')
      .map((each) => each.values ?? [])
    const [first, ...rest] = lists
    if (!first) return undefined
    for (const one of first) if (rest.every((list) => list.includes(one))) all.add(one)
  }
  return [...all]
}

/** nodeSelector and node affinity: what is required filters, what is preferred scores. `added` holds for every pod of the profile. */
export const createNodeAffinity = (added: NodeAffinity = {}): Plugin => {
  const {
    requiredDuringSchedulingIgnoredDuringExecution: addedRequired,
    preferredDuringSchedulingIgnoredDuringExecution: addedPreferred = [],
  } = added
  return {
    name,
    points: ['preFilter', 'filter', 'preScore', 'score'],
    weight: 2,
    perNode: true,
    ownChanges: [],
    reactsTo: ['node-added', 'node-updated'],
    begin: ({ pod }, { snapshot }) => {
      const matches = requiredNodes(pod)
      const { preferredDuringSchedulingIgnoredDuringExecution: own = [], requiredDuringSchedulingIgnoredDuringExecution: required } =
        pod.spec.affinity?.nodeAffinity ?? {}
      const preferred = [...own, ...addedPreferred]
      if (!matches && !addedRequired && preferred.length === 0) return 'skip'
      const only = namedNodes(required)
      if (only?.length === 0) return conflict
      return {
        ...(only ? { only } : {}),
        ...(matches || addedRequired
          ? {
              filter: (slot: number) => {
                const node = snapshot.node(slot)?.node
                if (addedRequired && !(node && matchesNodeSelector(addedRequired, node))) return enforced
                return !matches || (node && matches(node)) ? undefined : mismatch
              },
            }
          : {}),
        prepareScore: () => preferred.length > 0,
        score: (slot) => {
          const info = snapshot.node(slot)
          let sum = 0
          if (info) for (const { weight, preference } of preferred) if (matchesTerm(preference, info.node)) sum += weight
          return sum
        },
        normalize: (scores: Float64Array) => normalizeByHighest(scores, false),
      }
    },
    hint: (event, { pod }) => {
      if (event.on !== 'node-added' && !(event.on === 'node-updated' && event.changed.labels)) return false
      const matches = (node: Node) => (!addedRequired || matchesNodeSelector(addedRequired, node)) && (requiredNodes(pod)?.(node) ?? true)
      return matches(event.node) && (event.on === 'node-added' || !matches(event.before))
    },
  }
}

export const nodeAffinity: Plugin = createNodeAffinity()
