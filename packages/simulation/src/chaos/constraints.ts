import type { Dice } from '@skiff/machinery'

// Hard constraints that pods carry. Each can be met on every cluster of a run once nothing ails it, whatever order pods come in: else
// a workload that waits for ever would be nobody's fault.

/** The priority of pods that make others leave, and of those that must not be made to. */
export const important = 'important'

const zoneKey = 'topology.kubernetes.io/zone'
const hostKey = 'kubernetes.io/hostname'

type PodPart = Readonly<Record<string, unknown>> & { readonly tolerations?: readonly object[] }

/** The nodes with fast disks, which take no other pods. */
export const fastNodes = {
  labels: { disk: 'fast' },
  taints: [{ key: 'disk', value: 'fast', effect: 'NoSchedule' as const }],
}
export const onFast: PodPart = {
  nodeSelector: fastNodes.labels,
  tolerations: [{ key: 'disk', operator: 'Equal', value: 'fast', effect: 'NoSchedule' }],
}

const inZone = (operator: string, values: readonly string[]): PodPart => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: zoneKey, operator, values }] }] },
    },
  },
})
const spreadOver = (app: string, topologyKey: string, maxSkew: number): PodPart => ({
  topologySpreadConstraints: [
    // Over the nodes that it may be on: one that takes no such pods would else stay the emptiest for ever.
    { topologyKey, maxSkew, whenUnsatisfiable: 'DoNotSchedule', nodeTaintsPolicy: 'Honor', labelSelector: { matchLabels: { app } } },
  ],
})
const together = (app: string): PodPart => ({
  affinity: {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: zoneKey, labelSelector: { matchLabels: { app } } }],
    },
  },
})

/** One of those that any number of pods can meet, or none. */
export const constraint = (app: string, { pick }: Dice): PodPart =>
  pick([
    {},
    {},
    onFast,
    inZone('In', ['a']),
    inZone('NotIn', ['a']),
    spreadOver(app, zoneKey, 1),
    spreadOver(app, hostKey, 2),
    together(app),
  ])

/** One of those that a node can hold one pod of. */
export const apartOf = (app: string, inside: string, { pick }: Dice): PodPart => {
  const labelSelector = { matchLabels: { app } }
  const container = (more: object) => [{ name: 'main', image: 'app:1', resources: { requests: { cpu: '100m' } }, ...more }]
  // With others a node may have no room for them, so that these have to leave.
  const alone = pick([
    { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: hostKey, labelSelector }] } } },
    { containers: container({ ports: [{ containerPort: 80, hostPort: inside.charCodeAt(0) }] }) },
    { containers: container({ resources: { requests: { cpu: inside === 'a' ? '2500m' : '100m' } } }) },
  ])
  return { ...alone, priorityClassName: important }
}

export const withTolerations = (part: PodPart, more: readonly object[]): PodPart => {
  const tolerations = [...(part.tolerations ?? []), ...more]
  return tolerations.length > 0 ? { ...part, tolerations } : part
}
