import type { Kind } from '@skiff/api'
import { prettyParameter, type QueryParameter, queryParameters } from './parameters.ts'
import type { Dialect, GroupVersionKind, Schema } from './schemas.ts'

/** What operations refer to: the names of the schemas of a kind, its list and its subresources' kinds. */
export interface OperationNames {
  readonly object: (kind: Kind) => string
  readonly list: (kind: Kind) => string
  /** By group, version and kind; undefined where it has no schema. */
  readonly byKind: (gvk: GroupVersionKind) => string | undefined
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const mediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const watchTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']
const strategic = 'application/strategic-merge-patch+json'
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  strategic,
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
]

interface Place {
  readonly path: string
  readonly kind: Kind
  /** For operation ids: Namespaced, and the subresource's name. */
  readonly scope: string
  readonly suffix: string
  readonly named: boolean
  readonly gvk: GroupVersionKind
  readonly schema: string | undefined
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
/** `apps/v1` is AppsV1, `rbac.authorization.k8s.io/v1` RbacAuthorizationV1, `v1` CoreV1. */
const idOf = ({ group, version }: Kind): string => {
  const name = group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')
  return `${name.split(/[.-]/).map(capital).join('')}${capital(version)}`
}

/** The paths of a kind with their operations, as each version of OpenAPI writes them. */
export const pathsOf = (kind: Kind, names: OperationNames, dialect: Dialect): Readonly<Record<string, Schema>> => {
  const base = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const root = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind }
  const schema = names.object(kind)
  const scope = kind.namespaced ? 'Namespaced' : ''
  const place = { kind, scope, suffix: '', named: false, gvk, schema }
  const paths: Record<string, Schema> = {}
  const has = (verb: string) => kind.verbs.includes(verb)
  const collection: Place = { ...place, path: root }
  paths[root] = item(dialect, collection, [
    ...(has('list') ? [operation(dialect, names, collection, 'get', 'list')] : []),
    ...(has('create') ? [operation(dialect, names, collection, 'post', 'post')] : []),
    ...(has('deletecollection') ? [operation(dialect, names, collection, 'delete', 'deletecollection')] : []),
  ])
  if (kind.namespaced && has('list')) {
    const all: Place = { ...place, path: `${base}/${kind.plural}`, scope: '', suffix: 'ForAllNamespaces' }
    paths[all.path] = item(dialect, all, [operation(dialect, names, all, 'get', 'list')])
  }
  const one: Place = { ...place, path: `${root}/{name}`, named: true }
  if (has('get')) paths[one.path] = item(dialect, one, verbOperations(dialect, names, one, kind.verbs))
  for (const part of kind.subresources) {
    const partGvk = { group: part.group ?? kind.group, version: part.version ?? kind.version, kind: part.kind }
    const within: Place = {
      ...one,
      path: `${root}/{name}/${part.name}`,
      suffix: capital(part.name),
      gvk: partGvk,
      schema: part.kind === kind.kind ? schema : names.byKind(partGvk),
    }
    paths[within.path] = item(dialect, within, verbOperations(dialect, names, within, part.verbs))
  }
  return paths
}

const methods = { get: 'get', create: 'post', update: 'put', patch: 'patch', delete: 'delete' } as const
const verbOperations = (dialect: Dialect, names: OperationNames, place: Place, verbs: readonly string[]): readonly Operation[] => {
  const connects = place.gvk.kind.endsWith('Options')
  return Object.entries(methods).flatMap(([verb, method]) => {
    const asked = place.suffix === '' && verb === 'create' ? false : verbs.includes(verb)
    return asked ? [operation(dialect, names, place, method, connects ? 'connect' : method)] : []
  })
}

type Operation = readonly [method: string, value: Schema]

const verbsOfIds: Readonly<Record<string, string>> = {
  get: 'read',
  put: 'replace',
  post: 'create',
  patch: 'patch',
  delete: 'delete',
  list: 'list',
}

const operation = (dialect: Dialect, names: OperationNames, place: Place, method: string, action: string): Operation => {
  const { kind, scope, suffix, gvk } = place
  const group = idOf(kind)
  const rest = suffix === 'ForAllNamespaces' ? `${kind.kind}${suffix}` : `${scope}${kind.kind}${suffix}`
  const id =
    action === 'deletecollection'
      ? `delete${group}Collection${rest}`
      : action === 'connect'
        ? `connect${group}${capital(method)}${rest}`
        : `${verbsOfIds[action]}${group}${rest}`
  const answer = answerOf(names, place, action)
  const body = bodyOf(place, action)
  const produced = producedBy(kind, action)
  const accepted = action === 'patch' ? patchTypesOf(kind) : ['*/*']
  const queries = (queryParameters[action] ?? []).map((each) => queryOf(dialect, each))
  const common = {
    description: `${action} ${suffix && suffix !== 'ForAllNamespaces' ? `${suffix.toLowerCase()} of ` : ''}${kind.kind}`,
    operationId: id,
    tags: [`${group.replace(/V\d.*$/, '').replace(/^./, (first) => first.toLowerCase())}_${kind.version}`],
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
  }
  const codes =
    action === 'post'
      ? ['200', '201', '202']
      : action === 'put' || action === 'patch'
        ? ['200', '201']
        : action === 'delete'
          ? ['200', '202']
          : ['200']
  return [
    method,
    dialect.version === 3
      ? operation3(common, queries, body, answer, produced, codes, accepted, action)
      : operation2(common, queries, body, answer, produced, codes, accepted, action),
  ]
}

/** kubectl reads here that a custom kind knows no strategic merge. */
const patchTypesOf = (kind: Kind): readonly string[] => (kind.custom ? patchTypes.filter((type) => type !== strategic) : patchTypes)

const producedBy = (kind: Kind, action: string): readonly string[] => {
  if (action === 'connect') return ['*/*']
  const types = action === 'list' ? [...mediaTypes, ...watchTypes] : mediaTypes
  return kind.custom ? types.filter((type) => !type.includes('protobuf')) : types
}

const texts: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' }
const unauthorized = { 401: { description: 'Unauthorized' } }

const operation3 = (
  common: Schema,
  parameters: readonly Schema[],
  body: string | undefined,
  answer: Answer,
  produced: readonly string[],
  codes: readonly string[],
  accepted: readonly string[],
  action: string,
): Schema => {
  const schema = 'type' in answer ? { type: answer.type } : { $ref: `#/components/schemas/${answer.ref}` }
  const content = Object.fromEntries(produced.map((type) => [type, { schema }]))
  return {
    ...common,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body
      ? {
          requestBody: {
            content: Object.fromEntries(accepted.map((type) => [type, { schema: { $ref: `#/components/schemas/${body}` } }])),
            ...(action === 'delete' || action === 'deletecollection' ? {} : { required: true }),
          },
        }
      : {}),
    responses: { ...Object.fromEntries(codes.map((code) => [code, { description: texts[code], content }])), ...unauthorized },
  }
}

const operation2 = (
  common: Schema,
  queries: readonly Schema[],
  body: string | undefined,
  answer: Answer,
  produces: readonly string[],
  codes: readonly string[],
  accepted: readonly string[],
  action: string,
): Schema => {
  const schema = 'type' in answer ? { type: answer.type } : { $ref: `#/definitions/${answer.ref}` }
  const optional = action === 'delete' || action === 'deletecollection'
  const sent = body
    ? [{ in: 'body', name: 'body', ...(optional ? {} : { required: true }), schema: { $ref: `#/definitions/${body}` } }]
    : []
  const parameters = [...sent, ...queries]
  return {
    ...common,
    consumes: accepted,
    produces,
    schemes: ['https'],
    ...(parameters.length > 0 ? { parameters } : {}),
    responses: { ...Object.fromEntries(codes.map((code) => [code, { description: texts[code], schema }])), ...unauthorized },
  }
}

type Answer = { readonly ref: string } | { readonly type: string }

const answerOf = (names: OperationNames, { kind, schema, suffix }: Place, action: string): Answer => {
  if (action === 'list') return { ref: names.list(kind) }
  if (action === 'deletecollection' || (action === 'delete' && schema && suffix === '')) return { ref: `${meta}Status` }
  if (action === 'connect' || !schema || suffix === 'Log') return { type: 'string' }
  return { ref: schema }
}

const bodyOf = ({ schema }: Place, action: string): string | undefined => {
  if (action === 'delete' || action === 'deletecollection') return `${meta}DeleteOptions`
  if (action === 'patch') return `${meta}Patch`
  return action === 'post' || action === 'put' ? schema : undefined
}

const queryOf = ({ version }: Dialect, [name, type, description]: QueryParameter): Schema =>
  version === 3
    ? { name, in: 'query', description, schema: { type, uniqueItems: true } }
    : { name, in: 'query', description, type, uniqueItems: true }

const pathParameter = ({ version }: Dialect, name: string, description: string): Schema =>
  version === 3
    ? { name, in: 'path', description, required: true, schema: { type: 'string', uniqueItems: true } }
    : { name, in: 'path', description, required: true, type: 'string', uniqueItems: true }

const item = (dialect: Dialect, { kind, path, named }: Place, operations: readonly Operation[]): Schema => ({
  ...Object.fromEntries(operations),
  parameters: [
    ...(named ? [pathParameter(dialect, 'name', `name of the ${kind.kind}`)] : []),
    ...(path.includes('{namespace}')
      ? [pathParameter(dialect, 'namespace', 'object name and auth scope, such as for teams and projects')]
      : []),
    queryOf(dialect, prettyParameter),
  ],
})
