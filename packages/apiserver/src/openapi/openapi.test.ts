import { buildBuiltins, type Descriptions, type Kind } from '@skiff/api'
import protobuf from 'protobufjs'
import { expect, test } from 'vitest'
import { createRegistry } from '../registry/registry.ts'
import { document2, document3, plainDocument3, plainDocuments } from './documents.ts'
import { encodeDocument2 } from './gnostic.ts'
import type { Schema } from './schemas.ts'

const registry = createRegistry(buildBuiltins().kinds)
const descriptions: Descriptions = { type: (name) => `about ${name}`, field: (_type, field) => (field === 'image' ? 'An image.' : '') }
type Document3 = {
  readonly paths: Record<string, Record<string, Schema>>
  readonly components: { readonly schemas: Record<string, Schema> }
}

test('every reference of every version 3 document leads somewhere', () => {
  const groups = new Set(registry.all().map((kind) => `${kind.group}/${kind.version}`))
  for (const each of groups) {
    const [group = '', version = ''] = each.split('/')
    const document = document3(registry, descriptions, group, version)
    const { schemas } = (document as unknown as Document3).components
    const refs = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1] as string)
    expect(refs.filter((name) => !Object.hasOwn(schemas, name))).toEqual([])
    expect(Object.values(schemas).filter((schema) => Object.keys(schema).length === 0)).toEqual([])
  }
})

test('operation ids are each told once, and every patch tells of field validation', () => {
  const { paths } = document3(registry, descriptions, '', 'v1') as unknown as Document3
  const operations = Object.values(paths).flatMap((item) => Object.values(item).filter((each) => !Array.isArray(each)))
  const ids = operations.map((each) => each.operationId)
  expect(ids.length).toBe(new Set(ids).size)
  expect(ids).toEqual(
    expect.arrayContaining(['listCoreV1NamespacedPod', 'readCoreV1NamespacedPodStatus', 'deleteCoreV1CollectionNamespacedPod']),
  )
  const patches = operations.filter((each) => each['x-kubernetes-action'] === 'patch')
  expect(patches.length).toBeGreaterThan(20)
  for (const each of patches) expect(JSON.stringify(each.parameters)).toContain('"name":"fieldValidation"')
})

test('how fields are told', () => {
  const { schemas } = (document3(registry, descriptions, '', 'v1') as unknown as Document3).components
  const { properties, required } = schemas['io.k8s.api.core.v1.Container'] as { properties: Record<string, Schema>; required: string[] }
  expect(required).toEqual(['name'])
  expect(properties.image).toEqual({ description: 'An image.', type: 'string' })
  expect(properties.ports).toEqual({
    type: 'array',
    items: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.ContainerPort' }], default: {} },
    'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-patch-merge-key': 'containerPort',
    'x-kubernetes-patch-strategy': 'merge',
  })
  expect(schemas['io.k8s.api.core.v1.Pod']).toMatchObject({
    'x-kubernetes-group-version-kind': [{ group: '', version: 'v1', kind: 'Pod' }],
  })
})

// The part of gnostic's schema that the check reads, by its public field numbers.
const gnostic = `syntax = "proto3";
message Document { string swagger = 1; Paths paths = 8; Definitions definitions = 9; }
message Definitions { repeated NamedSchema list = 1; }
message NamedSchema { string name = 1; Schema value = 2; }
message Any { string yaml = 2; }
message NamedAny { string name = 1; Any value = 2; }
message TypeItem { repeated string value = 1; }
message Schema { string ref = 1; string description = 4; repeated string required = 19; TypeItem type = 22; Items items = 23; Definitions properties = 25; repeated NamedAny extension = 31; }
message Items { repeated Schema schema = 1; }
message Paths { repeated NamedPath path = 2; }
message NamedPath { string name = 1; PathItem value = 2; }
message PathItem { Operation get = 2; }
message Operation { string operation_id = 5; repeated NamedAny extension = 13; }`

interface Decoded {
  readonly swagger: string
  readonly paths: { readonly path: { name: string; value: { get?: { operationId: string } } }[] }
  readonly definitions: { readonly list: { name: string; value: Record<string, unknown> }[] }
}

test('version 2 in protobuf, read back by another library', () => {
  const document = document2(registry, descriptions) as { definitions: Schema; paths: Schema }
  const read = protobuf.parse(gnostic).root.lookupType('Document').decode(encodeDocument2(document)) as unknown as Decoded
  expect(read.swagger).toBe('2.0')
  expect(read.definitions.list.map((each) => each.name)).toEqual(Object.keys(document.definitions))
  expect(read.paths.path.map((each) => each.name)).toEqual(Object.keys(document.paths))
  expect(read.paths.path.find((each) => each.name === '/api/v1/pods')?.value.get?.operationId).toBe('listCoreV1PodForAllNamespaces')
  const container = read.definitions.list.find((each) => each.name === 'io.k8s.api.core.v1.Container')?.value
  expect(container).toMatchObject({ description: 'about io.k8s.api.core.v1.Container', required: ['name'], type: { value: ['object'] } })
})

/** A custom kind as a definition makes it, as far as OpenAPI looks. */
const customKind = (openApiSchema: unknown): Kind =>
  ({
    ...(registry.find('apps', 'v1', 'deployments') as Kind),
    group: 'stable.example.com',
    version: 'v1',
    apiVersion: 'stable.example.com/v1',
    kind: 'Shirt',
    listKind: 'ShirtList',
    plural: 'shirts',
    typeName: '',
    custom: true,
    selectable: ['metadata.name', 'metadata.namespace', 'spec.color'],
    openApiSchema,
  }) as Kind

const shirt = {
  type: 'object',
  required: ['spec', 'gone'],
  properties: {
    gone: { type: 'string', nullable: true },
    port: { 'x-kubernetes-int-or-string': true },
    any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string' } } },
    list: { type: 'array', items: { type: 'string', anyOf: [{ minLength: 1 }] } },
    raw: { type: 'object', 'x-kubernetes-embedded-resource': true },
    spec: { type: 'object', properties: { color: { type: 'string', default: 'red' } } },
  },
}

const shirtIn = (version: 2 | 3, schema: unknown): { schema: Schema; paths: Record<string, Record<string, Schema>> } => {
  const own = createRegistry([customKind(schema)])
  const document = version === 2 ? document2(own, descriptions) : document3(own, descriptions, 'stable.example.com', 'v1')
  const { definitions, components, paths } = document as {
    definitions?: Record<string, Schema>
    components?: { schemas: Record<string, Schema> }
    paths: Record<string, Record<string, Schema>>
  }
  return { schema: (definitions ?? components?.schemas)?.['com.example.stable.v1.Shirt'] as Schema, paths }
}

test('a custom kind in version 3 is as its definition says, with what every object has', () => {
  const { schema, paths } = shirtIn(3, shirt)
  const properties = schema.properties as Record<string, Schema>
  expect(schema['x-kubernetes-selectable-fields']).toEqual([{ fieldPath: 'spec.color' }])
  expect(properties.port).toEqual({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] })
  expect(properties.any).toEqual(shirt.properties.any)
  expect(properties.gone).toEqual({ type: 'string', nullable: true })
  expect(properties.raw).toMatchObject({ required: ['kind', 'apiVersion'], properties: { kind: { type: 'string' } } })
  expect(properties.metadata).toMatchObject({ allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }] })
  const list = paths['/apis/stable.example.com/v1/namespaces/{namespace}/shirts']
  expect(list?.get?.operationId).toBe('listStableExampleComV1NamespacedShirt')
  expect(list?.get?.description).toBe('list objects of kind Shirt')
  expect(Object.keys(paths).filter((path) => path.includes('watch'))).toEqual([])
})

test('a custom kind in version 2 has nothing that kubectl would stumble over', () => {
  const { schema } = shirtIn(2, shirt)
  const properties = schema.properties as Record<string, Schema>
  expect(schema.required).toEqual(['spec'])
  expect(properties.gone).toEqual({})
  expect(properties.port).toEqual({ 'x-kubernetes-int-or-string': true })
  expect(properties.any).toEqual({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true })
  expect(properties.list).toEqual({ type: 'array', items: { type: 'string' } })
  expect(shirtIn(2, { ...shirt, 'x-kubernetes-preserve-unknown-fields': true }).schema.properties).toBeUndefined()
})

test('version 2 shares the parameters that many operations take', () => {
  const document = document2(registry, descriptions) as {
    parameters: Record<string, Schema>
    paths: Record<string, Record<string, Schema>>
  }
  const refs = [...JSON.stringify(document.paths).matchAll(/#\/parameters\/([^"]+)"/g)].map((match) => match[1] as string)
  expect(new Set(refs)).toEqual(new Set(Object.keys(document.parameters)))
  expect(refs.filter((name) => name.startsWith('dryRun'))).toEqual([])
})

test('what is no resource has documents of its own', () => {
  expect(plainDocuments(registry)).toEqual(expect.arrayContaining(['api', 'apis', 'version', 'apis/apps', 'openid/v1/jwks']))
  for (const path of plainDocuments(registry)) {
    const { paths } = plainDocument3(registry, descriptions, path) as { paths: object }
    expect(Object.keys(paths)).toHaveLength(1)
  }
  expect(plainDocument3(registry, descriptions, 'apis/none')).toBeUndefined()
})

test('the media types of CBOR are told where it is served', () => {
  const typesOf = (cbor: boolean, method: 'get' | 'patch') => {
    const { paths } = document2(registry, descriptions, cbor) as { paths: Record<string, Record<string, Schema>> }
    return paths[`/api/v1/namespaces/{namespace}/pods${method === 'patch' ? '/{name}' : ''}`]?.[method] as unknown as Record<
      string,
      string[]
    >
  }
  expect(typesOf(false, 'get').produces?.join()).not.toContain('cbor')
  expect(typesOf(false, 'patch').consumes).not.toContain('application/apply-patch+cbor')
  expect(typesOf(true, 'get').produces).toEqual([
    'application/json',
    'application/yaml',
    'application/vnd.kubernetes.protobuf',
    'application/cbor',
    'application/json;stream=watch',
    'application/vnd.kubernetes.protobuf;stream=watch',
    'application/cbor-seq',
  ])
  expect(typesOf(true, 'patch').consumes?.at(-1)).toBe('application/apply-patch+cbor')
})
