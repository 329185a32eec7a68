import { seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { buildBuiltins } from './builtins.ts'
import { sample } from './testing/sample.ts'
import { transcode, wireFormats } from './transcode.ts'

const { kinds, schemaOf } = buildBuiltins()
const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const hexOf = (value: unknown, to: 'protobuf' | 'cbor') => transcode(json(value), 'json', to).toString('hex')

test.each(kinds.map((kind) => [`${kind.apiVersion} ${kind.kind}`, kind] as const))('%s is one object in every form', (_name, kind) => {
  const random = seededRandom(11)
  for (let round = 0; round < 2; round++) {
    const object = { ...sample(schemaOf(kind.typeName), random, 1), apiVersion: kind.apiVersion, kind: kind.kind }
    const text = transcode(json(object), 'json', 'json')
    const inForm = new Map(wireFormats.map((form) => [form, transcode(text, 'json', form)]))
    for (const [from, bytes] of inForm) for (const [to, expected] of inForm) expect(transcode(bytes, from, to).equals(expected)).toBe(true)
  }
})

// By hand, from the numbers of the fields. A message is written as its parts; `in` puts tag and length before them.
const hex = (text: string) => Buffer.from(text).toString('hex')
const inside = (number: number, ...parts: string[]): string => {
  const content = parts.join('')
  return Buffer.from([number * 8 + 2, content.length / 2]).toString('hex') + content
}
const enveloped = (apiVersion: string, kind: string, ...raw: string[]) =>
  `6b387300${inside(1, inside(1, hex(apiVersion)), inside(2, hex(kind)))}${inside(2, ...raw)}1a002200`
/** name 1, generateName 2, namespace 3, selfLink 4, uid 5, resourceVersion 6, generation 7; then creationTimestamp 8 and `more`. */
const meta = (name: string, created = '4200', ...more: string[]) =>
  inside(1, inside(1, hex(name)), '1200', '1a00', '2200', '2a00', '3200', '3800', created, ...more)

test.each([
  [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'x', labels: { b: '2', a: '1' } },
      data: { k: '' },
      binaryData: { z: 'AQI=' },
      immutable: false,
    },
    enveloped(
      'v1',
      'ConfigMap',
      meta('x', '4200', inside(11, '0a0161', '120131'), inside(11, '0a0162', '120132')),
      inside(2, '0a016b', '1200'),
      inside(3, '0a017a', '12020102'),
      '2000',
    ),
  ],
  [
    {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'l', creationTimestamp: '1970-01-01T00:02:00Z' },
      spec: { holderIdentity: 'me', leaseDurationSeconds: 300, renewTime: '1970-01-01T00:00:01.000002Z' },
    },
    enveloped(
      'coordination.k8s.io/v1',
      'Lease',
      meta('l', inside(8, '0878', '1000')),
      inside(2, inside(1, hex('me')), '10ac02', inside(4, '0801', '10d00f')),
    ),
  ],
  [
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'p' }, spec: { minAvailable: '50%', maxUnavailable: 1 } },
    enveloped(
      'policy/v1',
      'PodDisruptionBudget',
      meta('p'),
      inside(2, inside(1, '0801', '1000', inside(3, hex('50%'))), inside(3, '0800', '1001', '1a00')),
      inside(3, '0800', '1800', '2000', '2800', '3000'),
    ),
  ],
  [
    { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'c' }, value: -1 },
    enveloped('scheduling.k8s.io/v1', 'PriorityClass', meta('c'), `10${'ff'.repeat(9)}01`, '1800', '2200'),
  ],
  [
    { apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '7' }, items: [] },
    enveloped('v1', 'PodList', '0a07', '0a00', '120137', '1a00'),
  ],
])('protobuf of %o', (object, bytes) => expect(hexOf(object, 'protobuf')).toBe(bytes))

test('what Go writes of unset fields, and what it leaves out', () => {
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r', labels: {} } }
  const head = '{"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"r","creationTimestamp":null},"rules":'
  expect(transcode(json(role), 'json', 'json').toString()).toBe(`${head}null}\n`)
  expect(transcode(json({ ...role, rules: [] }), 'json', 'json').toString()).toBe(`${head}[]}\n`)
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c' }] } }
  expect(transcode(json(pod), 'json', 'json').toString()).toBe(
    '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","creationTimestamp":null},"spec":{"containers":[{"name":"c","resources":{}}]},"status":{}}\n',
  )
})

test('CBOR of a type: bytes in tag 22, unset times', () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', data: { a: 'AQI=' }, metadata: { name: 's' } }
  const stamp = `51${hex('creationTimestamp')}f6`
  const expected = `d9d9f7a4${`44${hex('data')}a14161d6420102`}${`44${hex('kind')}46${hex('Secret')}`}${`48${hex('metadata')}a244${hex('name')}4173${stamp}`}`
  expect(hexOf(secret, 'cbor')).toBe(`${expected}4a${hex('apiVersion')}42${hex('v1')}`)
})

test('schemas within schemas are typed, and raw JSON is not', () => {
  const items = { maximum: 2, type: 'integer', nullable: false, unknown: 1, default: { b: 1, a: 2 } }
  const validation = { openAPIV3Schema: { items, additionalProperties: { type: 'string', format: 'x', description: 'd' } } }
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    spec: { versions: [{ name: 'v1', schema: validation }] },
  }
  const typed = (raw: string) =>
    `"schema":{"openAPIV3Schema":{"items":{"type":"integer","default":${raw},"maximum":2},"additionalProperties":{"description":"d","type":"string","format":"x"}}}`
  expect(transcode(json(crd), 'json', 'json').toString()).toContain(typed('{"b":1,"a":2}'))
  expect(transcode(json(crd), 'yaml', 'json').toString()).toContain(typed('{"a":2,"b":1}'))
  expect(hexOf(crd, 'cbor')).toContain(`47${hex('maximum')}f94000`)
})

test('a kind that nobody knows is kept as it is', () => {
  const object = json({ kind: 'Widget', apiVersion: 'x.io/v1', spec: { b: 1.5, a: '<' } })
  expect(transcode(object, 'json', 'json').toString()).toBe('{"apiVersion":"x.io/v1","kind":"Widget","spec":{"a":"\\u003c","b":1.5}}\n')
  expect(transcode(transcode(object, 'json', 'cbor'), 'cbor', 'yaml').toString()).toBe(
    'apiVersion: x.io/v1\nkind: Widget\nspec:\n  a: <\n  b: 1.5\n',
  )
  expect(() => transcode(object, 'json', 'protobuf')).toThrow(
    'object *unstructured.Unstructured does not implement the protobuf marshalling',
  )
  expect(() => transcode(json({ kind: 'Pod' }), 'json', 'yaml')).toThrow(`Object 'apiVersion' is missing in '{"kind":"Pod"}'`)
})
