import type { Container, Node, Pod } from '@skiff/api'
import { expect, test } from 'vitest'
import { compileAmount } from './amount.ts'

const nowMs = Date.UTC(2025, 0, 1)
const env = { now: () => nowMs, random: () => 0.25 }
const pod = {
  metadata: { name: 'p', creationTimestamp: '2024-12-31T23:59:00Z', annotations: { cpu: '250m' } },
  spec: { containers: [] },
} as unknown as Pod
const bare = { metadata: { name: 'b' }, spec: {} } as unknown as Pod
const container = { name: 'c', resources: { requests: { memory: '1Gi' } } } as unknown as Container
const node = { metadata: { name: 'n', creationTimestamp: '2024-12-31T23:00:00Z' } } as unknown as Node
const of = { pod, container, node }

test.each([
  ['Quantity("10Mi")', 10 * 2 ** 20],
  ['"cpu" in pod.metadata.annotations ? Quantity(pod.metadata.annotations["cpu"]) : Quantity("1m")', 0.25],
  ['(pod.SinceSecond() / 60.0) * Quantity("1Mi")', 2 ** 20],
  ['SinceSecond(node) > 3599.0 ? 2 : 1', 2],
  ['Rand() * 4.0', 1],
  ['UnixSecond(Now())', nowMs / 1_000],
  ['UnixSecond(pod.metadata.creationTimestamp)', nowMs / 1_000 - 60],
  ['Quantity(container.resources.requests["memory"]) * (container.name == "c" ? 0.5 : 1.0)', 2 ** 29],
])('%s', (source, amount) => {
  expect(compileAmount(source)(of, env)).toBeCloseTo(amount, 6)
})

test('what is not there is no failure of others', () => {
  const amount = compileAmount('"cpu" in pod.metadata.annotations ? 1.0 : pod.spec.missing')
  expect(amount({ ...of, pod: bare }, env)).toBeUndefined()
  expect(compileAmount('"text"')(of, env)).toBeUndefined()
})

test.each([
  ['Quantity(', 'expression "Quantity(": '],
  ['Nothing(pod)', "undeclared reference to 'Nothing'"],
  ['other.name', "undeclared reference to 'other'"],
])('%s is told when it is read', (source, sentence) => {
  expect(() => compileAmount(source)).toThrow(sentence)
})
