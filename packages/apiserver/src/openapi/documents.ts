import { type Descriptions, type Kind, resourceFacts, typeFacts } from '@skiff/api'
import type { Registry } from '../registry/registry.ts'
import { kubernetesVersion } from '../version.ts'
import { type OperationNames, pathsOf } from './operations.ts'
import {
  type Dialect,
  type DocumentedType,
  type GroupVersionKind,
  openApi2,
  openApi3,
  type Schema,
  type SchemaSource,
  schemaOfType,
} from './schemas.ts'

const types = typeFacts as Readonly<Record<string, DocumentedType>>
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
/** Named by operations of every group version. */
const always = [`${meta}DeleteOptions`, `${meta}Status`, `${meta}Patch`, `${meta}WatchEvent`]

/** The name of a kind's schema: that of its type, or for a custom kind its group turned round. */
const objectName = (kind: Kind): string => kind.typeName || [...kind.group.split('.').reverse(), kind.version, kind.kind].join('.')

const listTypes = new Map(resourceFacts.map((facts) => [facts.type, facts.listType]))

const typeByKind = new Map(
  Object.entries(types).flatMap(([name, type]) =>
    (type.gvk ?? []).map((each) => [`${each.group}/${each.version}/${each.kind}`, name] as const),
  ),
)
const names: OperationNames = {
  object: objectName,
  list: (kind) => (kind.typeName ? (listTypes.get(kind.typeName) ?? objectName(kind)) : `${objectName(kind)}List`),
  byKind: ({ group, version, kind }) => typeByKind.get(`${group}/${version}/${kind}`),
}

/** Schemas by name and paths of some kinds. */
interface Content {
  readonly schemas: Readonly<Record<string, Schema>>
  readonly paths: Readonly<Record<string, Schema>>
}

const contentOf = (kinds: readonly Kind[], registry: Registry, descriptions: Descriptions, dialect: Dialect): Content => {
  const paths: Record<string, Schema> = {}
  const schemas: Record<string, Schema> = {}
  const waiting: string[] = []
  const named = (name: string): void => {
    if (name in schemas) return
    schemas[name] = {}
    waiting.push(name)
  }
  const source: SchemaSource = { types, descriptions, dialect, everywhere: (kind) => everywhere(registry, kind) }
  for (const kind of kinds) {
    Object.assign(paths, pathsOf(kind, names, dialect))
    if (kind.custom) Object.assign(schemas, customSchemas(kind, dialect, named))
    else for (const name of [objectName(kind), ...(kind.verbs.includes('list') ? [names.list(kind)] : [])]) named(name)
    for (const part of kind.subresources) {
      const name = names.byKind({ group: part.group ?? kind.group, version: part.version ?? kind.version, kind: part.kind })
      if (name && !part.kind.endsWith('Options')) named(name)
    }
  }
  if (kinds.length > 0) always.forEach(named)
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop())
    schemas[name] =
      name === `${meta}Patch`
        ? { type: 'object', description: 'A change to an object, in one of the patch formats.' }
        : schemaOfType(source, name, named)
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { schemas: sorted, paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** A custom kind's schema with what every object has, and its list. */
const customSchemas = (kind: Kind, { version, refPrefix }: Dialect, named: (name: string) => void): Readonly<Record<string, Schema>> => {
  const name = objectName(kind)
  const gvk = [{ group: kind.group, version: kind.version, kind: kind.kind }]
  named(`${meta}ObjectMeta`)
  named(`${meta}ListMeta`)
  const ref = (to: string) => (version === 3 ? { allOf: [{ $ref: `${refPrefix}${to}` }] } : { $ref: `${refPrefix}${to}` })
  const own = (kind.openApiSchema ?? {}) as { readonly properties?: Schema }
  const text = { type: 'string' }
  const properties = { ...own.properties, apiVersion: text, kind: text, metadata: ref(`${meta}ObjectMeta`) }
  const list = {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: text,
      kind: text,
      metadata: ref(`${meta}ListMeta`),
      items: { type: 'array', items: { $ref: `${refPrefix}${name}` } },
    },
    'x-kubernetes-group-version-kind': [{ ...gvk[0], kind: kind.listKind }],
  }
  return {
    [name]: { type: 'object', ...own, properties, 'x-kubernetes-group-version-kind': gvk },
    [`${name}List`]: list,
  }
}

const everywhere = (registry: Registry, kind: string): readonly GroupVersionKind[] => {
  const seen = new Map<string, GroupVersionKind>()
  for (const { group, version } of registry.all()) seen.set(`${group}/${version}`, { group, version, kind })
  return [...seen.values()].sort((a, b) => (`${a.group}/${a.version}` < `${b.group}/${b.version}` ? -1 : 1))
}

const info = { title: 'Kubernetes', version: kubernetesVersion.gitVersion }
const bearer = { BearerToken: { description: 'Bearer Token authentication', in: 'header', name: 'authorization', type: 'apiKey' } }

/** The OpenAPI v3 document of a group version. */
export const document3 = (registry: Registry, descriptions: Descriptions, group: string, version: string): Schema => {
  const kinds = registry.all().filter((kind) => kind.group === group && kind.version === version)
  const { schemas, paths } = contentOf(kinds, registry, descriptions, openApi3)
  return {
    openapi: '3.0.0',
    info,
    paths,
    components: { schemas, securitySchemes: bearer },
    security: [{ BearerToken: [] }],
  }
}

/** The OpenAPI v2 document of everything that is served. */
export const document2 = (registry: Registry, descriptions: Descriptions): Schema => {
  const { schemas, paths } = contentOf(registry.all(), registry, descriptions, openApi2)
  return { swagger: '2.0', info, paths, definitions: schemas, securityDefinitions: bearer, security: [{ BearerToken: [] }] }
}
