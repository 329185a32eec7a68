import type { KubeObject } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { readSimulationFile } from '../file/read-file.ts'

const nowMs = Date.UTC(2025, 0, 1)
const around = {
  now: () => nowMs,
  random: () => 0.5,
  nodeIP: (name: string) => `ip-of-${name}`,
  podIP: (name: string, host: boolean) => (host ? 'host' : `pod-on-${name}`),
}
const read = (spec: string) => {
  const text = `apiVersion: kwok.x-k8s.io/v1alpha1\nkind: Stage\nmetadata: { name: s }\nspec:\n${spec.replace(/^/gm, '  ')}`
  return readSimulationFile(text, around).stages[0]?.stage as NonNullable<ReturnType<typeof readSimulationFile>['stages'][0]>['stage']
}
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'n', uid: 'u', labels: { app: 'web' }, annotations: { wait: '90s' }, finalizers: ['a/b', 'c/d'] },
  spec: {
    nodeName: 'n1',
    initContainers: [{ name: 'i', image: 'i:1' }],
    containers: [{ name: 'c', image: 'c:1', resources: { requests: { cpu: '1' } } }],
  },
  status: { phase: 'Running', containerStatuses: [{ name: 'c', restartCount: 1000000, state: { running: { startedAt: 'x' } } }] },
} as unknown as KubeObject
const target = 'resourceRef: { apiGroup: v1, kind: Pod }'

test('the older form: a status template becomes a strategic patch of the status; numbers keep their digits', () => {
  const { next } = read(`${target}
next:
  statusTemplate: |
    {{ $now := Now }}
    {{ $root := . }}
    {{ $annotations := or .metadata.annotations dict }}
    conditions:
    - { type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }} }
    containerStatuses:
    {{ range $index, $item := .spec.containers }}
    {{ $origin := index $root.status.containerStatuses $index }}
    - name: {{ $item.name | Quote }}
      restartCount: {{ add1 $origin.restartCount }}
      reason: {{ or ( index $annotations "reason" ) "usual" }}
      {{ if and $origin.state.running (ne (printf "%v" $origin.restartCount) "0") }}
      state:
      {{ YAML $origin.state 2 }}
      {{ end }}
    {{ end }}
    hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
    podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
`)
  expect(next(pod, nowMs)).toEqual({
    patches: [
      {
        type: 'strategic',
        subresource: 'status',
        body: {
          status: {
            conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2025-01-01T00:00:00.000Z' }],
            containerStatuses: [{ name: 'c', restartCount: 1_000_001, reason: 'usual', state: { running: { startedAt: 'x' } } }],
            hostIP: 'ip-of-n1',
            podIP: 'pod-on-n1',
          },
        },
      },
    ],
  })
})

test('the newer form: steps with patches, defined templates, expressions within jq', () => {
  const { next, matches, weight } = read(`${target}
selector:
  matchExpressions:
  - jq: { key: .metadata.deletionTimestamp, operator: DoesNotExist }
  - jq: { key: '.status.containerStatuses.[].state.running.startedAt', operator: Exists }
weight: 1
weightFrom: { jq: { expression: '.metadata.annotations["weight"]' } }
steps:
- event: { type: Normal, reason: Killing, message: 'Stopping container: {{ ( index .spec.containers 0 ).name }}' }
- patch:
    root: status
    subresource: status
    template: |
      {{ define "one" }}
      {{ with .container }}
        name: {{ .name | Quote }}
        {{ with .resources }}
        resources:
        {{ YAML . 2 }}
        {{ end }}
      {{ end }}
      {{ end }}
      containerStatuses:
      {{ range .spec.containers }}
      -
      {{ template "one" dict "container" . "root" $ }}
      {{ end }}
- delete: true
`)
  expect(matches(pod)).toBe(true)
  expect(weight?.(pod)).toBe(1)
  expect(next(pod, nowMs)).toEqual({
    events: [{ type: 'Normal', reason: 'Killing', message: 'Stopping container: c' }],
    patches: [
      {
        type: 'strategic',
        subresource: 'status',
        body: { status: { containerStatuses: [{ name: 'c', resources: { requests: { cpu: '1' } } }] } },
      },
    ],
    delete: true,
  })
})

test.each([
  ['add: [{ value: e/f }]', ['a/b', 'c/d', 'e/f']],
  ['remove: [{ value: a/b }]', ['c/d']],
  ['empty: true', null],
])('finalizers: %s', (finalizers, left) => {
  const { next } = read(`${target}\nnext: { finalizers: { ${finalizers} } }`)
  expect(next(pod, nowMs)?.patches).toEqual([{ type: 'merge', body: { metadata: { finalizers: left } } }])
})

test('finalizers that are so already are not written', () => {
  expect(read(`${target}\nnext: { finalizers: { add: [{ value: a/b }] } }`).next(pod, nowMs)?.patches).toEqual([])
})

test.each([
  ['durationMilliseconds: 1000', 1_000],
  ['{ durationMilliseconds: 1000, jitterDurationMilliseconds: 3000 }', 2_000],
  ['{ durationMilliseconds: 1000, jitterDurationMilliseconds: 500 }', 500],
  [`{ durationMilliseconds: 1000, durationFrom: { expressionFrom: '.metadata.annotations["wait"]' } }`, 90_000],
  [`{ durationMilliseconds: 1000, durationFrom: { jq: { expression: '.metadata.annotations["other"]' } } }`, 1_000],
])('delay %s', (delay, ms) => {
  const text = delay.startsWith('{') ? delay : `{ ${delay} }`
  expect(read(`${target}\ndelay: ${text}\nnext: {}`).delayMs?.(pod, () => 0.5, nowMs)).toBe(ms)
})

test('a delay until a point in time', () => {
  const ending = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2025-01-01T00:00:30Z' } }
  const { delayMs } = read(`${target}\ndelay: { durationFrom: { expressionFrom: .metadata.deletionTimestamp } }\nnext: {}`)
  expect(delayMs?.(ending, () => 0, nowMs)).toBe(30_000)
})

test.each([
  ['', false],
  ['selector: {}', true],
  ['selector: { matchLabels: { app: web } }', true],
  ['selector: { matchLabels: { app: db } }', false],
  ['selector: { matchAnnotations: { wait: 90s } }', true],
  ['selector: { matchExpressions: [{ key: .status.phase, operator: In, values: [Pending, Running] }] }', true],
  ['selector: { matchExpressions: [{ key: .status.phase, operator: NotIn, values: [Running] }] }', false],
  ['selector: { matchExpressions: [{ key: ".nothing.[].at", operator: NotIn, values: [a] }] }', true],
  ['selector: { matchExpressions: [{ key: ".nothing.[].at", operator: DoesNotExist }] }', true],
  ['selector: { matchExpressions: [{ key: .metadata.finalizers, operator: Exists }] }', true],
])('selector: %s', (selector, is) => {
  expect(read(`${target}\n${selector}\nnext: {}`).matches(pod)).toBe(is)
})
