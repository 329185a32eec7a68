import { expect, test } from 'vitest'
import { readSimulationFile } from './read-file.ts'

const shape = (spec: string, name = 'small') =>
  `apiVersion: simulation.skiff.dev/v1alpha1\nkind: NodeShape\nmetadata: { name: ${name} }\nspec: ${spec}\n`
const stage = (spec: string) => `apiVersion: kwok.x-k8s.io/v1alpha1\nkind: Stage\nmetadata: { name: s }\nspec: ${spec}\n`
const answers = (kind: string, spec: string) => `apiVersion: kwok.x-k8s.io/v1alpha1\nkind: ${kind}\nmetadata: { name: a }\nspec: ${spec}\n`
const pod = 'resourceRef: { kind: Pod }'

test.each([
  ['a: [', 'yaml: line 1: did not find'],
  ['[]', 'document 1 must be a map'],
  ['kind: Stage', 'document 1.apiVersion is missing'],
  ['kind: Pod\napiVersion: v1', 'document 1.apiVersion must be kwok.x-k8s.io/v1alpha1'],
  ['kind: Other\napiVersion: kwok.x-k8s.io/v1alpha1', 'document 1 has the kind "Other", which is not known here'],
  [shape('{}'), 'document 1 (NodeShape small).spec.count is missing'],
  [shape('{ count: 1.5 }'), 'spec.count must be a whole number'],
  [shape('{ count: 1, colour: red }'), 'spec.colour is not known; known are count, capacity'],
  [shape('{ count: 1, capacity: { cpu: many } }'), 'spec.capacity.cpu must be a quantity'],
  [shape('{ count: 1, taints: [{ key: a, effect: No }] }'), 'spec.taints[0].effect must be one of NoSchedule'],
  [shape('{ count: 1, failures: { crashLoop: 2 } }'), 'spec.failures.crashLoop must be a share from 0 to 1'],
  [`${shape('{ count: 1 }')}---\n\n# more\n${shape('{ count: x }', 'b')}`, 'line 11: document 2 (NodeShape b).spec.count must be a number'],
  [`${shape('{ count: 1 }')}---\n${shape('{ count: 1, count: 2 }', 'b')}`, 'line 9: key "count" already set in map'],
  [`${shape('{ count: 1 }')}---\na: [`, 'yaml: line 6: did not find'],
  [`${shape('{ count: 1 }')}---\n${shape('{ count: 1 }')}`, 'there are two NodeShapes of the name "small"'],
  [shape('{ count: 1 }', 'No_Name'), 'must be one that nodes can begin with'],
  [
    'kind: Simulation\napiVersion: simulation.skiff.dev/v1alpha1\nspec: { nodeLeaseDurationSeconds: 0.5 }',
    'nodeLeaseDurationSeconds must be a whole number',
  ],
  [stage('{ next: {} }'), 'document 1 (Stage s).spec.resourceRef is missing'],
  [stage(`{ ${pod} }`), 'spec.next is missing'],
  [stage(`{ ${pod}, next: {}, selector: { matchExpressions: [{ key: .a, operator: Is }] } }`), 'must be In, NotIn, Exists or DoesNotExist'],
  [stage(`{ ${pod}, next: {}, selector: { matchExpressions: [{ key: .a, operator: In }] } }`), "must not be empty for the operators 'In'"],
  [stage(`{ ${pod}, next: {}, selector: { matchExpressions: [{ key: '.a | b', operator: Exists }] } }`), 'there is no function b'],
  [
    stage(`{ ${pod}, next: { statusTemplate: '{{ Nope }}' } }`),
    'line 4: document 1 (Stage s).spec.next.statusTemplate: template: s:1: function "Nope" not defined',
  ],
  [stage(`{ ${pod}, next: { patches: [{ type: odd, template: a }] } }`), 'spec.next.patches[0].type must be json, merge or strategic'],
  [stage(`{ ${pod}, next: { delete: 1 } }`), 'spec.next.delete must be true or false'],
  [answers('Logs', '{ logs: [{}] }'), 'document 1 (Logs a).spec.logs[0].logsFile is missing, and so are lines'],
  [answers('ClusterLogs', '{ logs: [{ logsFile: a, lines: [b] }] }'), 'spec.logs[0].lines must not be given beside logsFile'],
  [
    answers('Logs', "{ logs: [{ lines: ['{{ nothing }}'] }] }"),
    'line 4: document 1 (Logs a).spec.logs[0].lines: template: a:1: function "nothing" not defined',
  ],
  [answers('Exec', '{ execs: [{}] }'), 'spec.execs[0].local is missing: commands can only run on this machine'],
  [answers('Attach', '{ attaches: [{ file: a }] }'), 'spec.attaches[0].file is not known; known are containers, logsFile'],
  [answers('PortForward', '{ forwards: [{ ports: [0] }] }'), 'spec.forwards[0].ports[0] must be a port'],
  [answers('ClusterPortForward', '{ forwards: [{ target: { address: a, port: b } }] }'), 'spec.forwards[0].target.port must be a port'],
])('what is wrong is told with its place: %#', (text, sentence) => {
  expect(() => readSimulationFile(text)).toThrow(sentence)
})

test('kinds of kwok that mean nothing here are passed over, and told', () => {
  const text =
    'kind: Metric\napiVersion: kwok.x-k8s.io/v1alpha1\nmetadata: { name: m }\n---\nkind: KwokConfiguration\napiVersion: config.kwok.x-k8s.io/v1alpha1\n'
  expect(readSimulationFile(text).ignored).toEqual(['Metric m', 'KwokConfiguration '])
})
