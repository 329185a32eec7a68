import type { Node, Taint } from '@skiff/api'
import type { FailureRates } from '../pods/behaviour.ts'

/** Nodes that are alike. */
export interface NodeShape {
  /** Their names are `name-1`, `name-2` and so on. */
  readonly name: string
  readonly count: number
  readonly capacity: Readonly<Record<string, string>>
  /** What pods may have of it; absent: all. */
  readonly allocatable?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly taints?: readonly Taint[]
  /** The nodes are dealt out to these in turn. */
  readonly zones?: readonly string[]
  readonly region?: string
  readonly failures?: FailureRates
}

export const usualCapacity = { cpu: '32', memory: '256Gi', pods: '110', 'ephemeral-storage': '1Ti' }

/** Nodes as `--simulated-nodes` alone makes them: in three zones. */
export const usualShape = (count: number): NodeShape => ({
  name: 'node',
  count,
  capacity: usualCapacity,
  zones: ['zone-a', 'zone-b', 'zone-c'],
  region: 'simulated',
})

/** Says that a node's agent is simulated here, so also after the process starts anew. Its value is the node's shape. */
export const shapeAnnotation = 'simulated.skiff.dev/node'
/** kwok's own word for the same, for nodes that users make. */
export const kwokAnnotation = 'kwok.x-k8s.io/node'

/** `true` makes a node's agent fall silent, as when its machine dies; without it, it speaks again. */
export const silentAnnotation = 'simulated.skiff.dev/silent'

export const isSilent = ({ metadata: { annotations } }: Node): boolean =>
  annotations !== undefined && Object.hasOwn(annotations, silentAnnotation) && annotations[silentAnnotation] !== 'false'

export const isSimulated = ({ metadata: { annotations } }: Node): boolean =>
  annotations !== undefined && (Object.hasOwn(annotations, shapeAnnotation) || annotations[kwokAnnotation] === 'fake')

/** The labels of the node with this number, from 1, within its shape. */
export const labelsOf = ({ labels, zones = [], region }: NodeShape, name: string, number: number): Record<string, string> => {
  const zone = zones[(number - 1) % zones.length]
  return {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    ...(zone !== undefined ? { 'topology.kubernetes.io/zone': zone } : {}),
    ...(region !== undefined ? { 'topology.kubernetes.io/region': region } : {}),
    ...labels,
  }
}
