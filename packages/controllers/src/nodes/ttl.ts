import type { Node } from '@skiff/api'
import { node as nodes } from '@skiff/api'
import type { Views } from '@skiff/client'
import { type Controller, watching } from '../runner/controller.ts'
import { patch, type Steps, targetOf } from '../runner/step.ts'

const annotation = 'node.alpha.kubernetes.io/ttl'

// Upstream's table. Neighbours overlap, so that a node that comes and goes does not change the annotation of all others each time.
const steps = [
  { from: 0, to: 100, ttlSeconds: 0 },
  { from: 90, to: 500, ttlSeconds: 15 },
  { from: 450, to: 1000, ttlSeconds: 30 },
  { from: 900, to: 2000, ttlSeconds: 60 },
  { from: 1800, to: 10_000, ttlSeconds: 300 },
  { from: 9000, to: Number.POSITIVE_INFINITY, ttlSeconds: 600 },
] as const
type StepAt = (typeof steps)[number]

/** The step of the table for a cluster of `count` nodes that was at `step` before. */
export const ttlStep = (step: number, count: number): number => {
  let next = step
  while (count > (steps[next] as StepAt).to) next += 1
  while (count < (steps[next] as StepAt).from) next -= 1
  return next
}

/** Node agents read from the annotation how long secrets and config maps may be kept before they are asked for again. */
export const planTtl = (node: Node, step: number): Steps => {
  const wanted = String((steps[step] as StepAt).ttlSeconds)
  if (node.metadata.annotations?.[annotation] === wanted) return []
  return [patch(nodes, targetOf(node), 'strategic', { metadata: { annotations: { [annotation]: wanted } } })]
}

export const ttlController = (): Controller => {
  let step = 0
  const concerned = (name: string, views: Views): readonly string[] => {
    const next = ttlStep(step, views.view(nodes).size)
    if (next === step) return [name]
    step = next
    return [...views.view(nodes).list()].map(({ metadata }) => metadata.name)
  }
  const watches = [
    watching<Node>({
      resource: nodes,
      keys: ({ key, before, after }, views) => {
        if (!before || !after) return concerned(key, views)
        return before.metadata.annotations?.[annotation] === after.metadata.annotations?.[annotation] ? [] : [key]
      },
    }),
  ]
  return {
    name: 'ttl-controller',
    account: 'ttl-controller',
    component: 'ttl-controller',
    watches: () => watches,
    plan: (name, views) => {
      const node = views.view(nodes).get(name)
      return node ? planTtl(node, step) : []
    },
  }
}
