import type { Node, Pod, Service } from '@skiff/api'
import type { Template } from './cases.ts'

const hostname = 'kubernetes.io/hostname'
const zone = 'topology.kubernetes.io/zone'

const nearOthers = (color: string, topologyKey: string) => ({
  labelSelector: { matchLabels: { color } },
  topologyKey,
  namespaces: ['sched-1', 'sched-0'],
})
const required = (term: object) => ({ requiredDuringSchedulingIgnoredDuringExecution: [term] })
const preferred = (podAffinityTerm: object) => ({ preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm }] })
const spread = (whenUnsatisfiable: string) => ({
  topologySpreadConstraints: [{ maxSkew: 5, topologyKey: zone, whenUnsatisfiable, labelSelector: {} }],
})

interface Form {
  readonly color?: string
  readonly cpu?: string
  readonly memory?: string
  /** No limits, and a request of so much. */
  readonly spec?: object
}
const forms: Readonly<Record<Template, Form>> = {
  default: {},
  light: { cpu: '1m', memory: '1Mi' },
  gated: { cpu: '1m', memory: '1Mi', spec: { schedulingGates: [{ name: 'bench.example.com/gate' }] } },
  daemonset: {
    cpu: '1m',
    memory: '1Mi',
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['scheduler-perf-node'] }] }],
          },
        },
      },
    },
  },
  lowPriority: { cpu: '900m', spec: { terminationGracePeriodSeconds: 0 } },
  highPriority: { cpu: '3', spec: { priorityClassName: 'high' } },
  highPriorityLargeCpu: { cpu: '9', spec: { priorityClassName: 'high' } },
  nodeAffinity: {
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: ['zone1', 'zone2'] }] }],
          },
        },
      },
    },
  },
  podAffinity: { color: 'blue', spec: { affinity: { podAffinity: required(nearOthers('blue', zone)) } } },
  podAntiAffinity: { color: 'green', spec: { affinity: { podAntiAffinity: required(nearOthers('green', hostname)) } } },
  preferredPodAffinity: { color: 'red', spec: { affinity: { podAffinity: preferred(nearOthers('red', hostname)) } } },
  preferredPodAntiAffinity: { color: 'yellow', spec: { affinity: { podAntiAffinity: preferred(nearOthers('yellow', hostname)) } } },
  spreading: { spec: spread('DoNotSchedule') },
  preferredSpreading: { spec: spread('ScheduleAnyway') },
}

export const podOf = (template: Template, namespace: string): Pod => {
  const { color, cpu = '100m', memory = '500Mi', spec } = forms[template]
  const amounts = { cpu, memory }
  return {
    metadata: { generateName: 'pod-', namespace, ...(color ? { labels: { color } } : {}) },
    spec: {
      automountServiceAccountToken: false,
      containers: [
        { name: 'pause', image: 'pause:3.10', ports: [{ containerPort: 80 }], resources: { limits: amounts, requests: amounts } },
      ],
      ...spec,
    },
  } as unknown as Pod
}

/** 4 CPUs, 32 GiB, and room for `pods`. */
export const nodeOf = (name: string, inZone: string | undefined, pods: number): Node => {
  const amounts = { cpu: pods > 110 ? '4000' : '4', memory: pods > 110 ? '1Ti' : '32Gi', pods: String(pods) }
  return {
    metadata: { name, labels: { [hostname]: name, ...(inZone ? { [zone]: inZone } : {}) } },
    spec: {},
    status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] },
  } as unknown as Node
}

export const serviceOf = (name: string, namespace: string): Service =>
  ({ metadata: { name, namespace }, spec: { selector: { app: name }, ports: [{ port: 80 }] } }) as unknown as Service
