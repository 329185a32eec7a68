import type { CustomResourceDefinition } from '@skiff/api'
import { encodeJson, isJsonObject, parseJson, sameJson } from '@skiff/machinery'
import { kindsOf } from '../../packages/apiserver/src/extensions/custom-kind.ts'
import { kindNamed, objectOf, schemaOf } from './samples.ts'
import { mostNested, must, outcomeOf, type Target } from './target.ts'

const meta = schemaOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')
/** No fuzzed definition is converted. */
const webhooks = { post: async () => ({}), close: () => {} }

const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' }
const definition = (schema: object, more: object = {}): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names,
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more }],
  },
})
const widget = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'a', namespace: 'b' },
  spec: { replicas: 3, name: 'abc', port: '80', list: [{ k: 'a', v: 1 }], map: { __proto__x: 1, 10: 'x' }, any: { constructor: [] } },
}
const rich = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      properties: {
        replicas: { type: 'integer', format: 'int32', minimum: 0, maximum: 10, default: 1 },
        name: { type: 'string', pattern: '^[a-z]+$', minLength: 1, maxLength: 10, enum: ['abc', 'x'] },
        port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
        list: {
          type: 'array',
          maxItems: 5,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['k'],
          items: { type: 'object', required: ['k'], properties: { k: { type: 'string' }, v: { type: 'number', multipleOf: 0.5 } } },
        },
        map: { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 3 },
        any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        when: { type: 'string', format: 'date-time', nullable: true },
      },
      'x-kubernetes-validations': [{ rule: 'self.replicas < 5', messageExpression: '"no: " + string(self.replicas)' }],
      not: { required: ['forbidden'] },
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' } } },
  },
}
const columns = [{ name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' }]

/** A definition is checked; one that is accepted becomes a kind, which reads, checks, prints and writes an object. */
export const definitions: Target = {
  name: 'crd',
  seeds: (random) => [
    JSON.stringify({ definition: definition(rich, { subresources: { status: {} }, additionalPrinterColumns: columns }), object: widget }),
    JSON.stringify({ definition: definition({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }), object: widget }),
    JSON.stringify({ definition: objectOf(kindNamed('CustomResourceDefinition'), random), object: widget }),
  ],
  words: [
    'x-kubernetes-validations',
    'x-kubernetes-int-or-string',
    'x-kubernetes-preserve-unknown-fields',
    'x-kubernetes-embedded-resource',
    'x-kubernetes-list-type',
    'default',
    'properties',
    'additionalProperties',
    'items',
    'object',
    'array',
    'integer',
    'string',
    'nullable',
    'anyOf',
    '(a+)+$',
    '[',
    '.spec.replicas',
    'self.list.all(x, x.v > 0)',
  ],
  run: (input) =>
    outcomeOf(() => {
      const given = parseJson(input, mostNested).value
      if (!isJsonObject(given) || !isJsonObject(given.definition)) return 'no definition'
      const kind = kindNamed('CustomResourceDefinition')
      const { object } = kind.codec.decode(given.definition)
      const faults = kind.behaviour.validate?.(object) ?? []
      if (faults.length > 0) return `faults ${faults[0]?.body.slice(0, 30)} ${Math.min(faults.length, 5)}`
      const accepted = object as CustomResourceDefinition
      return useDefinition({ ...accepted, status: { acceptedNames: accepted.spec.names } } as CustomResourceDefinition, given.object)
    }),
}

const useDefinition = (accepted: CustomResourceDefinition, value: unknown): string => {
  const [kind] = kindsOf(accepted, meta, webhooks)
  if (!kind || !isJsonObject(value as never)) return 'accepted'
  const { object } = kind.codec.decode(value as Readonly<Record<string, unknown>>)
  const before = encodeJson(object)
  const faults = kind.behaviour.validate?.(object) ?? []
  kind.behaviour.validateUpdate?.(object, object)
  must(encodeJson(object) === before, 'checking changed the object')
  for (const column of kind.columns ?? []) column.cell?.(object, 0)
  const text = kind.codec.encode(object).bytes.toString()
  const again = kind.codec.decode(JSON.parse(text)).object
  must(sameJson(JSON.parse(kind.codec.encode(again).bytes.toString()), JSON.parse(text)), 'what is stored is read otherwise')
  return `accepted ${faults.length}`
}
