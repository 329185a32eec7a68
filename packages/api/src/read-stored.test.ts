import { expect, test } from 'vitest'
import { buildBuiltins } from './builtins.ts'

const { kinds } = buildBuiltins()
const reading = (kind: string) => {
  const found = kinds.find((each) => each.kind === kind)
  if (!found?.codec.read) throw new Error(`${kind} is not read`)
  return (stored: object) => found.codec.read?.(JSON.parse(JSON.stringify(stored)))
}
const typed = { apiVersion: 'v1', kind: 'Pod' }

test('what Go writes for unset fields goes, at any depth; what was set stays, empty or not', () => {
  const stored = {
    ...typed,
    metadata: { name: 'p', creationTimestamp: null, annotations: { a: '' } },
    spec: {
      containers: [
        { name: 'c', resources: {} },
        { name: 'd', resources: { limits: { cpu: '1' } } },
      ],
      volumes: [{ name: 'v', emptyDir: {} }],
      securityContext: {},
    },
    status: {
      conditions: [{ type: 'Ready', status: 'True', lastProbeTime: null, lastTransitionTime: null }],
      containerStatuses: [{ name: 'c', ready: false, restartCount: 0, lastState: {}, state: { waiting: {} } }],
    },
  }
  expect(reading('Pod')(stored)).toEqual({
    ...typed,
    metadata: { name: 'p', annotations: { a: '' } },
    spec: {
      containers: [{ name: 'c' }, { name: 'd', resources: { limits: { cpu: '1' } } }],
      volumes: [{ name: 'v', emptyDir: {} }],
      securityContext: {},
    },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'c', ready: false, restartCount: 0, state: { waiting: {} } }],
    },
  })
  expect(Object.keys(reading('Pod')({ ...typed, metadata: { name: 'p' }, spec: {}, status: {} }) as object)).not.toContain('status')
})

test('a schema within itself is read to its end, and a field that may hold anything is left alone', () => {
  const stored = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'w', creationTimestamp: null },
    spec: {
      versions: [
        {
          schema: { openAPIV3Schema: { properties: { resources: {}, constructor: { items: { default: { creationTimestamp: null } } } } } },
        },
      ],
    },
    status: { conditions: [{ type: 'Established', lastTransitionTime: null }] },
  }
  expect(reading('CustomResourceDefinition')(stored)).toEqual({
    ...stored,
    metadata: { name: 'w' },
    status: { conditions: [{ type: 'Established' }] },
  })
})
