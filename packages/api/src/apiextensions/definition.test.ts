import { errorText } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { customResourceDefinition } from './custom-resource-definition.ts'

type Definition = Parameters<NonNullable<typeof customResourceDefinition.behaviour.validate>>[0]
const text = { type: 'string' }
const definition = (schema: object, version: object = {}, spec: object = {}) =>
  ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.g.example.com' },
    spec: {
      group: 'g.example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', ...schema } }, ...version }],
      ...spec,
    },
    status: { storedVersions: ['v1'] },
  }) as unknown as Definition
const faults = (object: Definition) => (customResourceDefinition.behaviour.validate?.(object) ?? []).map(errorText)
const at = 'spec.validation.openAPIV3Schema'
const ofProperty = (schema: object) =>
  faults(definition({ properties: { x: schema } })).map((fault) => fault.replace(`${at}.properties[x]`, 'x'))

describe('defaults are values of their schemas', () => {
  test.each<[object, string[]]>([
    [{ type: 'string', default: 1 }, ['x.default: Invalid value: "integer":  in body must be of type string: "integer"']],
    [{ type: 'string', enum: ['a'], default: 'b' }, ['x.default: Unsupported value: "b": supported values: "a"']],
    [
      { type: 'object', default: { b: 1 }, properties: { a: text } },
      ['x.default: Invalid value: map[string]interface {}{"b":1}: must not have unknown fields'],
    ],
    [{ type: 'object', default: {}, required: ['a'], properties: { a: { ...text, default: 'y' } } }, ['x.default.a: Required value']],
    [
      { type: 'object', additionalProperties: text, default: { a: 1 } },
      ['x.default.a: Invalid value: "integer": .a in body must be of type string: "integer"'],
    ],
    [{ type: 'string', pattern: '^a$', default: 'b' }, [`x.default: Invalid value: "b":  in body should match '^a$'`]],
    [
      { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true, default: {} },
      ['x.default.apiVersion: Required value: must not be empty', 'x.default.kind: Required value: must not be empty'],
    ],
    [
      { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { kind: { ...text, default: '' } } },
      ['x.properties[kind].default: Invalid value: "": must result in valid metadata: kind: Invalid value: "": must not be empty'],
    ],
  ])('%j', (schema, expected) => expect(ofProperty(schema)).toEqual(expected))
})

describe('patterns are refused in the words of Go', () => {
  test.each([
    ['[', 'missing closing ]: `[`'],
    ['(?=x)', 'invalid or unsupported Perl syntax: `(?=`'],
    ['a**', 'invalid nested repetition operator: `**`'],
    ['x{2000}', 'invalid repeat count: `{2000}`'],
    ['\\1', 'invalid escape sequence: `\\1`'],
    ['\\', 'trailing backslash at end of expression: ``'],
  ])('%s', (pattern, why) =>
    expect(ofProperty({ type: 'string', pattern })[0]).toContain(
      `must be a valid regular expression, but isn't: error parsing regexp: ${why}`,
    ),
  )
})

test('what has no structure is told once', () => {
  expect(faults(definition({ $schema: 'x' }))).toEqual([`${at}: Invalid value: "": OpenAPIV3Schema 'schema' is not supported`])
  expect(ofProperty({ type: 'array', items: [text] })).toEqual(['x.items: Forbidden: items must be a schema object and not an array'])
  expect(ofProperty({ ...text, allOf: [{ 'x-kubernetes-validations': [{ rule: 'true' }] }] })).toEqual([
    'x.allOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural',
  ])
})

describe('selectable fields', () => {
  const schema = {
    properties: {
      spec: {
        type: 'object',
        properties: {
          a: text,
          n: { type: 'integer' },
          l: { type: 'array', items: text },
          o: { type: 'object', properties: { b: { type: 'boolean' } } },
        },
      },
      metadata: { type: 'object', properties: { name: text } },
    },
  }
  const selecting = (...paths: string[]) =>
    faults(definition(schema, { selectableFields: paths.map((jsonPath) => ({ jsonPath })) })).map((fault) =>
      fault.replace('spec.selectableFields', ''),
    )
  test.each<[string[], string[]]>([
    [['.spec.a', '.spec.n', '.spec.o.b'], []],
    [[''], ['[0].jsonPath: Required value']],
    [['spec.a'], ['[0].jsonPath: Invalid value: "spec.a": is an invalid path: expected [ or . but got: spec']],
    [['.spec.zz'], ['[0].jsonPath: Invalid value: ".spec.zz": is an invalid path: does not refer to a valid field']],
    [[".spec['a']"], [`[0].jsonPath: Invalid value: ".spec['a']": is an invalid path: array notation is not allowed`]],
    [
      ['.spec.l'],
      [
        '[0].jsonPath: Invalid value: ".spec.l": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
      ],
    ],
    [['.metadata.name'], ['[0].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata']],
    [['.spec.a', '.spec.a'], ['[1].jsonPath: Duplicate value: ".spec.a"']],
  ])('%j', (paths, expected) => expect(selecting(...paths)).toEqual(expected))
  test('eight at most', () => {
    const names = [...'abcdefghi']
    const many = { properties: Object.fromEntries(names.map((name) => [name, text])) }
    expect(faults(definition(many, { selectableFields: names.map((name) => ({ jsonPath: `.${name}` })) }))).toEqual([
      'spec.selectableFields: Too many: 9: must have at most 8 items',
    ])
  })
})

test('versions are shown as Go shows them', () => {
  expect(faults(definition({}, { storage: false }))[0]).toBe(
    'spec.versions: Invalid value: []apiextensions.CustomResourceDefinitionVersion{apiextensions.CustomResourceDefinitionVersion{Name:"v1", Served:true, Storage:false, Deprecated:false, DeprecationWarning:(*string)(nil), Schema:(*apiextensions.CustomResourceValidation)(nil), Subresources:(*apiextensions.CustomResourceSubresources)(nil), AdditionalPrinterColumns:[]apiextensions.CustomResourceColumnDefinition(nil), SelectableFields:[]apiextensions.SelectableField(nil)}}: must have exactly one version marked as storage version',
  )
})

test('a stored version stays until nothing is stored in it; a bundle has to be sound once it was', () => {
  const update = (next: Definition, old: Definition) =>
    (customResourceDefinition.behaviour.validateUpdate?.(next, old) ?? []).map(errorText)
  const dropped = { ...definition({}), status: { storedVersions: ['v1', 'v0'] } } as unknown as Definition
  expect(update(dropped, dropped)).toEqual([
    'status.storedVersions[1]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from status.storedVersions',
  ])
  const hooked = (caBundle?: string) =>
    ({
      ...definition(
        {},
        {},
        {
          conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://a', caBundle } } },
        },
      ),
      status: { storedVersions: ['v1'], conditions: [{ type: 'Established', status: 'True' }] },
    }) as unknown as Definition
  expect(update(hooked('eA=='), hooked())).toEqual([
    'spec.conversion.webhookClientConfig.caBundle: Invalid value: []byte{0x78}: unable to load root certificates: data does not contain any valid RSA or ECDSA certificates',
  ])
  expect(update(hooked('eA=='), hooked('eQ=='))).toEqual([])
})
