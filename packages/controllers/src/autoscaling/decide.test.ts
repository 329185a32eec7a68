import { readFileSync } from 'node:fs'
import type { HorizontalPodAutoscaler, HPAScalingRules, MetricSpec, MetricStatus, Pod } from '@skiff/api'
import { loadYaml, rfc3339 } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { decide } from './decide.ts'
import type { Answer } from './propose.ts'

interface PodCase {
  readonly ready?: boolean
  /** Seconds. */
  readonly age?: number
  readonly phase?: string
  readonly deleting?: boolean
  readonly request?: string | null
}
interface Case {
  readonly name: string
  readonly spec: {
    readonly min: number
    readonly max: number
    readonly cpu?: number
    readonly metrics?: readonly MetricSpec[]
    readonly behavior?: { readonly scaleUp?: HPAScalingRules; readonly scaleDown?: HPAScalingRules }
  }
  readonly replicas: number
  readonly pods: Readonly<Record<string, PodCase>>
  readonly use?: Readonly<Record<string, number>>
  readonly failure?: string
  readonly answers?: readonly Answer[]
  readonly past?: readonly { readonly replicas: number; readonly ago: number }[]
  readonly ups?: readonly { readonly by: number; readonly ago: number }[]
  readonly expect: {
    readonly size?: number
    readonly keep?: boolean
    readonly why?: string
    readonly conditions?: readonly string[]
    readonly events?: readonly string[]
    readonly metrics?: readonly MetricStatus[]
  }
}

const nowMs = Date.parse('2025-06-01T12:00:00Z')
const ago = (seconds: number): number => nowMs - seconds * 1_000

const podOf = (name: string, { ready = true, age = 900, phase = 'Running', deleting, request = '100m' }: PodCase): Pod =>
  ({
    metadata: { name, namespace: 'n', ...(deleting ? { deletionTimestamp: rfc3339(nowMs) } : {}) },
    spec: { containers: [{ name: 'c', resources: request === null ? {} : { requests: { cpu: request } } }] },
    status: {
      phase,
      startTime: rfc3339(ago(age)),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: rfc3339(ago(age)) }],
    },
  }) as unknown as Pod

const useOf = (use: Readonly<Record<string, number>>): Answer => ({
  value: {
    items: Object.entries(use).map(([name, milli]) => ({
      metadata: { name, namespace: 'n' },
      timestamp: rfc3339(nowMs),
      window: '15s',
      containers: [{ name: 'c', usage: { cpu: `${milli}m` } }],
    })),
  },
})

const hpaOf = ({ min, max, cpu, metrics, behavior }: Case['spec']): HorizontalPodAutoscaler =>
  ({
    metadata: { name: 'h', namespace: 'n' },
    spec: {
      minReplicas: min,
      maxReplicas: max,
      metrics: metrics ?? [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: cpu } } }],
      ...(behavior ? { behavior } : {}),
    },
  }) as unknown as HorizontalPodAutoscaler

const cases = loadYaml(readFileSync(new URL('./decisions.yaml', import.meta.url), 'utf8')).value as unknown as readonly Case[]

describe('the horizontal pod autoscaler', () => {
  test.each(cases)('$name', (given) => {
    const decision = decide(
      hpaOf(given.spec),
      {
        scale: { metadata: { name: 't' }, spec: { replicas: given.replicas }, status: { replicas: given.replicas } },
        pods: Object.entries(given.pods).map(([name, pod]) => podOf(name, pod)),
        answers: given.answers ?? [given.failure === undefined ? useOf(given.use ?? {}) : { failure: given.failure }],
      },
      {
        recommendations: (given.past ?? []).map(({ replicas, ago: seconds }) => ({ replicas, atMs: ago(seconds) })),
        ups: (given.ups ?? []).map(({ by, ago: seconds }) => ({ by, atMs: ago(seconds) })),
        downs: [],
      },
      nowMs,
    )
    const wanted = given.expect
    expect(decision.size).toBe(wanted.keep ? undefined : wanted.size)
    if (wanted.why !== undefined) expect(decision.why).toBe(wanted.why)
    if (wanted.conditions)
      expect(
        decision.status.conditions?.map(({ type, status, reason, message }, index) => {
          const short = `${type} ${status} ${reason}`
          return wanted.conditions?.[index] === short ? short : `${short}: ${message}`
        }),
      ).toEqual(wanted.conditions)
    expect(decision.events.map(([type, reason, message]) => `${type} ${reason}: ${message}`)).toEqual(wanted.events ?? [])
    if (wanted.metrics) expect(decision.status.currentMetrics).toEqual(JSON.parse(JSON.stringify(wanted.metrics), texts))
  })
})

/** Quantities are text. */
const texts = (key: string, value: unknown): unknown =>
  typeof value === 'number' && /value$/i.test(key) ? (value >= 1000 && value % 1000 === 0 ? `${value / 1000}k` : String(value)) : value
