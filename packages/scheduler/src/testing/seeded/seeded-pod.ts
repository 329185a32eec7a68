import type { NodeSelectorTerm, Pod, PodAffinityTerm, PodSpec, Toleration, TopologySpreadConstraint } from '@skiff/api'
import type { Labels } from '@skiff/machinery'
import { podOf } from '../objects.ts'
import { type Dice, hostKey, zoneKey, zones } from './dice.ts'
import { claimNames } from './seeded-storage.ts'

const apps = ['web', 'db', 'batch']

const selector = ({ pick, sometimes }: Dice) =>
  sometimes(0.8)
    ? { matchLabels: { app: pick(apps) } }
    : { matchExpressions: [{ key: pick(['app', 'track']), operator: pick(['In', 'NotIn']), values: [pick(apps), 'canary'] }] }

/** As the API server leaves a term: what its label keys ask for of the pod's own labels is in the selector. */
const withKeys = (term: PodAffinityTerm, labels: Labels): PodAffinityTerm => {
  const taken = (keys: readonly string[] = [], operator: 'In' | 'NotIn') =>
    keys.flatMap((key) => (labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }]))
  const own = [...taken(term.matchLabelKeys, 'In'), ...taken(term.mismatchLabelKeys, 'NotIn')]
  return { ...term, labelSelector: { ...term.labelSelector, matchExpressions: [...(term.labelSelector?.matchExpressions ?? []), ...own] } }
}

const affinityTerm = (dice: Dice, labels: Labels): PodAffinityTerm => {
  const { pick, maybe, sometimes } = dice
  const term: PodAffinityTerm = {
    topologyKey: pick([zoneKey, hostKey]),
    labelSelector: selector(dice) as NonNullable<PodAffinityTerm['labelSelector']>,
    ...maybe(0.15, () => ({ namespaces: [pick(['a', 'b'])] })),
    ...maybe(0.2, () => ({ namespaceSelector: sometimes(0.3) ? {} : { matchLabels: { team: pick(['red', 'blue']) } } })),
    ...maybe(0.15, () => ({ matchLabelKeys: ['track'] })),
    ...maybe(0.1, () => ({ mismatchLabelKeys: ['track'] })),
  }
  return withKeys(term, labels)
}

const nodeTerm = ({ pick, maybe, sometimes }: Dice): NodeSelectorTerm => {
  const operator = pick(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] as const)
  const isNumber = operator === 'Gt' || operator === 'Lt'
  const values = isNumber ? [pick(['1', '4', '7'])] : operator.endsWith('In') ? [pick(zones), pick(['1', '9'])] : undefined
  return {
    ...maybe(0.7, () => ({
      matchExpressions: [{ key: isNumber ? 'size' : pick([zoneKey, 'size']), operator, ...(values ? { values } : {}) }],
    })),
    ...maybe(0.3, () => ({
      matchFields: [
        { key: 'metadata.name', operator: sometimes(0.5) ? ('In' as const) : ('NotIn' as const), values: [pick(['n0', 'n1', 'n2'])] },
      ],
    })),
  }
}

const affinity = (dice: Dice, labels: Labels): NonNullable<PodSpec['affinity']> => {
  const { maybe, sometimes } = dice
  const terms = () => ({
    requiredDuringSchedulingIgnoredDuringExecution: sometimes(0.8)
      ? [affinityTerm(dice, labels)]
      : [affinityTerm(dice, labels), affinityTerm(dice, labels)],
  })
  return {
    ...maybe(0.4, () => ({ podAntiAffinity: terms() })),
    ...maybe(0.25, () => ({ podAffinity: terms() })),
    ...maybe(0.25, () => ({
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [nodeTerm(dice), nodeTerm(dice)] } },
    })),
  }
}

const constraint = (dice: Dice): TopologySpreadConstraint => {
  const { pick, maybe } = dice
  return {
    maxSkew: pick([1, 2]),
    topologyKey: pick([zoneKey, hostKey]),
    whenUnsatisfiable: dice.sometimes(0.85) ? 'DoNotSchedule' : 'ScheduleAnyway',
    labelSelector: selector(dice) as NonNullable<TopologySpreadConstraint['labelSelector']>,
    ...maybe(0.3, () => ({ minDomains: pick([2, 3, 4]) })),
    ...maybe(0.3, () => ({ nodeAffinityPolicy: pick(['Honor', 'Ignore'] as const) })),
    ...maybe(0.3, () => ({ nodeTaintsPolicy: pick(['Honor', 'Ignore'] as const) })),
    ...maybe(0.2, () => ({ matchLabelKeys: ['track'] })),
  }
}

const toleration = ({ pick, maybe, sometimes }: Dice): Toleration => {
  if (sometimes(0.15)) return { key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }
  const key = sometimes(0.9) ? { key: pick(['team', 'trial']) } : {}
  const isAny = !('key' in key) || sometimes(0.3)
  return {
    ...key,
    ...(isAny ? { operator: 'Exists' as const } : { value: pick(['red', 'blue']) }),
    ...maybe(0.4, () => ({ effect: pick(['NoSchedule', 'NoExecute', 'PreferNoSchedule'] as const) })),
  }
}

const requests = ({ pick, maybe }: Dice) => ({
  ...maybe(0.9, () => ({ cpu: pick(['100m', '250m', '500m', '1']) })),
  ...maybe(0.9, () => ({ memory: pick(['128Mi', '256Mi', '1G']) })),
  ...maybe(0.1, () => ({ 'ephemeral-storage': '500Mi' })),
  ...maybe(0.1, () => ({ 'example.com/gpu': '1' })),
})

const container = (name: string, dice: Dice) => {
  const { pick, maybe } = dice
  const port = () => ({
    containerPort: 80,
    hostPort: pick([8080, 9090]),
    ...maybe(0.3, () => ({ hostIP: pick(['127.0.0.1', '10.0.0.1', '0.0.0.0']) })),
    ...maybe(0.3, () => ({ protocol: pick(['TCP', 'UDP'] as const) })),
  })
  return { name, resources: { requests: requests(dice) }, ...maybe(0.15, () => ({ ports: [port()] })) }
}

const volumes = ({ pick, below, sometimes }: Dice): NonNullable<PodSpec['volumes']> => {
  if (sometimes(0.25)) return [{ name: 'disk', gcePersistentDisk: { pdName: pick(['one', 'two']), readOnly: sometimes(0.5) } }]
  const names = new Set(Array.from({ length: 1 + below(2) }, () => pick(claimNames)))
  return [...names].map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }))
}

export const seededPod = (name: string, dice: Dice): Pod => {
  const { pick, maybe, sometimes } = dice
  const initial = () => ({ ...container('init', dice), ...maybe(0.5, () => ({ restartPolicy: 'Always' as const })) })
  const labels: Labels = { app: pick(apps), ...maybe(0.5, () => ({ track: pick(['stable', 'canary']) })) }
  return podOf(name, {
    namespace: sometimes(0.75) ? 'a' : 'b',
    labels,
    priority: pick([0, 0, 0, 10, 100]),
    startTime: `2025-01-01T0${dice.below(10)}:00:00Z`,
    spec: {
      containers: [container('main', dice), ...(sometimes(0.2) ? [container('side', dice)] : [])],
      ...maybe(0.2, () => ({ initContainers: [initial(), ...(sometimes(0.3) ? [{ ...initial(), name: 'more' }] : [])] })),
      ...maybe(0.1, () => ({ overhead: { cpu: '250m', memory: '64Mi' } })),
      ...maybe(0.2, () => ({ nodeSelector: { disk: pick(['ssd', 'hdd']) } })),
      ...maybe(0.4, () => ({ tolerations: [toleration(dice), toleration(dice)] })),
      ...maybe(0.35, () => ({ affinity: affinity(dice, labels) })),
      ...maybe(0.3, () => ({ topologySpreadConstraints: sometimes(0.7) ? [constraint(dice)] : [constraint(dice), constraint(dice)] })),
      ...maybe(0.3, () => ({ volumes: volumes(dice) })),
      ...maybe(0.05, () => ({ schedulingGates: [{ name: 'example.com/later' }] })),
      ...maybe(0.05, () => ({ preemptionPolicy: 'Never' as const })),
    },
  })
}
