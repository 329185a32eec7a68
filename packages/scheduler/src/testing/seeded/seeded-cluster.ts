import type { Node, Pod, PodDisruptionBudget } from '@skiff/api'
import type { Labels } from '@skiff/machinery'
import { nodeOf } from '../objects.ts'
import { createDice, type Dice, zoneKey, zones } from './dice.ts'
import { seededPod } from './seeded-pod.ts'
import { type SeededStorage, seededStorage } from './seeded-storage.ts'

export interface SeededCluster extends SeededStorage {
  readonly nodes: readonly Node[]
  readonly namespaces: ReadonlyMap<string, Labels>
  readonly budgets: readonly PodDisruptionBudget[]
  readonly pods: readonly Pod[]
  /** For what happens on the way. */
  readonly dice: Dice
}

const effects = ['NoSchedule', 'NoExecute', 'PreferNoSchedule'] as const

export const seededNode = (name: string, { pick, maybe, sometimes }: Dice): Node =>
  nodeOf(name, {
    labels: {
      ...maybe(0.9, () => ({ [zoneKey]: pick(zones) })),
      disk: pick(['ssd', 'hdd']),
      ...maybe(0.7, () => ({ size: pick(['1', '5', '9']) })),
    },
    allocatable: {
      ...{ cpu: pick(['2', '4']), memory: pick(['2Gi', '4Gi']), pods: pick(['3', '10']) },
      ...maybe(0.4, () => ({ 'example.com/gpu': pick(['1', '2']) })),
      ...maybe(0.7, () => ({ 'ephemeral-storage': pick(['1Gi', '2Gi']) })),
    },
    spec: {
      ...(sometimes(0.1) ? { unschedulable: true } : {}),
      ...maybe(0.3, () => ({ taints: [{ key: pick(['team', 'trial']), value: pick(['red', 'blue']), effect: pick(effects) }] })),
    },
  })

const seededBudget = (namespace: string, app: string, { pick }: Dice): PodDisruptionBudget => ({
  ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  metadata: { name: app, namespace, uid: `budget-${namespace}-${app}`, resourceVersion: '1', creationTimestamp: '' },
  spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed: pick([0, 0, 100]), currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
})

/** A small cluster full of constraints, and pods for it; equal seeds give equal ones. */
export const seededCluster = (seed: number): SeededCluster => {
  const dice = createDice(seed)
  const nodes = Array.from({ length: 3 + dice.below(6) }, (_, i) => seededNode(`n${i}`, dice))
  const storage = seededStorage(nodes, dice)
  return {
    ...storage,
    nodes,
    namespaces: new Map([
      ['a', { team: 'red' }],
      ['b', { team: dice.pick(['red', 'blue']) }],
    ]),
    budgets: [seededBudget('a', 'web', dice), seededBudget('b', 'db', dice)],
    pods: Array.from({ length: 10 + dice.below(25) }, (_, i) => seededPod(`p${i}`, dice)),
    dice,
  }
}
