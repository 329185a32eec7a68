import { type Descriptions, type Kind, resourceFacts, typeFacts } from '@skiff/api'
import type { Registry } from '../registry/registry.ts'
import { kubernetesVersion } from '../version.ts'
import { servingCbor } from './cbor.ts'
import { customName, customSchemas } from './custom-schemas.ts'
import { type OperationNames, routesOf } from './operations.ts'
import { pathsOf } from './paths.ts'
import { groupRoute, plainPaths, versionRoute } from './plain-paths.ts'
import type { Route } from './route.ts'
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
import { withSharedParameters } from './shared-parameters.ts'

const types = typeFacts as Readonly<Record<string, DocumentedType>>
const listTypes = new Map(resourceFacts.map((facts) => [facts.type, facts.listType]))

const typeByKind = new Map(
  Object.entries(types).flatMap(([name, type]) =>
    (type.gvk ?? []).map((each) => [`${each.group}/${each.version}/${each.kind}`, name] as const),
  ),
)
const names: OperationNames = {
  object: (kind) => kind.typeName || customName(kind),
  list: (kind) => {
    const { typeName } = kind
    if (!typeName) return `${customName(kind)}List`
    return listTypes.get(typeName) ?? (`${typeName}List` in types ? `${typeName}List` : typeName)
  },
  byKind: ({ group, version, kind }) => typeByKind.get(`${group}/${version}/${kind}`),
}

/** Discovery's own group is no part of the scheme that options are registered in. */
const unregistered = new Set(['apidiscovery.k8s.io', 'meta.k8s.io'])
const groupVersions = [
  ...new Set(
    Object.values(types).flatMap((type) =>
      (type.gvk ?? []).filter(({ group }) => !unregistered.has(group)).map(({ group, version }) => `${group}/${version}`),
    ),
  ),
].sort()
/** Options and watch events are registered in every group version, those included that are no longer served. */
const everywhere = (kind: string): readonly GroupVersionKind[] =>
  groupVersions.map((each) => {
    const [group = '', version = ''] = each.split('/')
    return { group, version, kind }
  })

/** Schemas by name and paths of some kinds. */
interface Content {
  readonly schemas: Readonly<Record<string, Schema>>
  readonly paths: Readonly<Record<string, Schema>>
}

const sorted = <T>(entries: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)))

/** The operations and every schema that can be reached from them. */
const contentOf = (
  kinds: readonly Kind[],
  plain: readonly Route[],
  descriptions: Descriptions,
  dialect: Dialect,
  cbor: boolean,
): Content => {
  const source: SchemaSource = { types, descriptions, dialect, everywhere }
  const operations = { types, descriptions, names }
  const told = [...plain, ...kinds.flatMap((kind) => routesOf(operations, kind))]
  const routes = cbor ? told.map(servingCbor) : told
  const paths = pathsOf(routes, dialect)
  const schemas: Record<string, Schema> = {}
  const waiting: string[] = []
  const named = (name: string): void => {
    if (Object.hasOwn(schemas, name)) return
    schemas[name] = {}
    waiting.push(name)
  }
  for (const kind of kinds.filter(({ custom }) => custom)) {
    Object.assign(schemas, customSchemas(kind, dialect, descriptions))
    for (const each of ['ObjectMeta', 'ListMeta']) named(`io.k8s.apimachinery.pkg.apis.meta.v1.${each}`)
  }
  for (const { answer, body } of routes) {
    if ('ref' in answer) named(answer.ref)
    if (body) named(body.ref)
  }
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) schemas[name] = schemaOfType(source, name, named)
  return { schemas: sorted(schemas), paths }
}

const info = { title: 'Kubernetes', version: kubernetesVersion.gitVersion }
const bearer = { BearerToken: { description: 'Bearer Token authentication', in: 'header', name: 'authorization', type: 'apiKey' } }

const version3 = ({ schemas, paths }: Content): Schema => ({
  openapi: '3.0.0',
  info,
  paths,
  components: { ...(Object.keys(schemas).length > 0 ? { schemas } : {}), securitySchemes: bearer },
  security: [{ BearerToken: [] }],
})

/** What version 3's index lists besides group versions: built-in groups, and what is no resource. */
export const plainDocuments = (registry: Registry): readonly string[] => [
  ...Object.keys(plainPaths),
  ...builtInGroups(registry).map((group) => `apis/${group}`),
]

const builtInGroups = (registry: Registry): readonly string[] => [
  ...new Set(
    registry
      .all()
      .filter(({ custom, group }) => !custom && group !== '')
      .map(({ group }) => group),
  ),
]

/** The OpenAPI v3 document of a path of `plainDocuments`; undefined for any other. */
export const plainDocument3 = (registry: Registry, descriptions: Descriptions, path: string, cbor = false): Schema | undefined => {
  const plain = Object.hasOwn(plainPaths, path) ? plainPaths[path] : undefined
  const group = path.startsWith('apis/') ? path.slice('apis/'.length) : ''
  const routes = plain ?? (builtInGroups(registry).includes(group) ? [groupRoute(group)] : undefined)
  return routes && version3(contentOf([], routes, descriptions, openApi3, cbor))
}

/** Custom kinds' discovery is not told. */
const versionRoutes = (kinds: readonly Kind[]): readonly Route[] => {
  const versions = new Map(kinds.filter(({ custom }) => !custom).map((kind) => [kind.apiVersion, kind]))
  return [...versions.values()].map(({ group, version }) => versionRoute(group, version))
}

/** The OpenAPI v3 document of a group version. */
export const document3 = (registry: Registry, descriptions: Descriptions, group: string, version: string, cbor = false): Schema => {
  const kinds = registry.all().filter((kind) => kind.group === group && kind.version === version)
  return version3(contentOf(kinds, versionRoutes(kinds), descriptions, openApi3, cbor))
}

/** The OpenAPI v2 document of everything that is served. */
export const document2 = (registry: Registry, descriptions: Descriptions, cbor = false): Schema => {
  const kinds = registry.all()
  const groups = builtInGroups(registry).map(groupRoute)
  const plain = [...Object.values(plainPaths).flat(), ...groups, ...versionRoutes(kinds)]
  const { schemas, paths } = contentOf(kinds, plain, descriptions, openApi2, cbor)
  return {
    swagger: '2.0',
    info,
    ...withSharedParameters(paths),
    definitions: schemas,
    securityDefinitions: bearer,
    security: [{ BearerToken: [] }],
  }
}
