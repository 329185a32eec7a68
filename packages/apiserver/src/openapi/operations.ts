import type { Kind } from '@skiff/api'
import { repliesObject } from '../handler.ts'
import {
  actionParameters,
  nameParameter,
  namespaceParameter,
  optionParameters,
  type ParameterSource,
  pathParameter,
  prettyParameter,
} from './parameters.ts'
import { type Answer, capitalised, idOf, type Route, tagOf } from './route.ts'
import type { GroupVersionKind } from './schemas.ts'

/** What operations refer to: the names of the schemas of a kind, its list and its subresources' kinds. */
export interface OperationNames {
  readonly object: (kind: Kind) => string
  readonly list: (kind: Kind) => string
  /** By group, version and kind; undefined where it has no schema. */
  readonly byKind: (gvk: GroupVersionKind) => string | undefined
}

export interface OperationSource extends ParameterSource {
  readonly names: OperationNames
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const mediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const watchTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']
const strategic = 'application/strategic-merge-patch+json'
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', strategic, 'application/apply-patch+yaml']
const isText = (type: string): boolean => !type.includes('protobuf')

/** A place in the tree of paths with what its operations share. */
interface Place {
  readonly kind: Kind
  readonly path: string
  /** Whose name {name} is: the kind that the path takes. */
  readonly named: string | undefined
  readonly part: string
  readonly gvk: GroupVersionKind
  readonly schema: string | undefined
}

const verbsOfIds: Readonly<Record<string, string>> = {
  get: 'read',
  put: 'replace',
  post: 'create',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'delete',
  list: 'list',
  watch: 'watch',
  watchlist: 'watch',
}
const codesOf: Readonly<Record<string, readonly string[]>> = {
  post: ['200', '201', '202'],
  put: ['200', '201'],
  patch: ['200', '201'],
  delete: ['200', '202'],
}

/** Upstream's articles: none before a plural, else by the first letter. */
const withArticle = (noun: string): string => (/[^s]s$/.test(noun) ? noun : `${/^[AEIOU]/.test(noun) ? 'an' : 'a'} ${noun}`)

const deprecated = "deprecated: use the 'watch' parameter with a list operation instead"

/** What upstream's installer says of an action; custom kinds are never said to be watched. */
const described = ({ kind, part }: Place, action: string): string => {
  const noun = kind.kind
  const of = part === '' ? '' : `${part} of `
  switch (action) {
    case 'list':
      return `${kind.custom || !kind.verbs.includes('watch') ? 'list' : 'list or watch'} ${of}objects of kind ${noun}`
    case 'post':
      return `create ${of}${withArticle(noun)}`
    case 'delete':
      return `delete ${of}${withArticle(noun)}`
    case 'deletecollection':
      return `delete collection of ${noun}`
    case 'watch':
      return `watch changes to ${of}an object of kind ${noun}. ${deprecated}, filtered to a single item with the 'fieldSelector' parameter.`
    case 'watchlist':
      return `watch individual changes to a list of ${of}${noun}. ${deprecated}.`
    case 'patch':
      return `partially update ${of}the specified ${noun}`
    default:
      return `${verbsOfIds[action]} ${of}the specified ${noun}`
  }
}

const basics = ({ kind, gvk }: Place, action: string) => ({
  tag: tagOf(kind.group, kind.version),
  action,
  gvk,
})

/** Whether one call goes over all namespaces, although the kind lives in them. */
const overAll = ({ kind, path }: Place): boolean => kind.namespaced && !path.includes('{namespace}')

const route = (source: OperationSource, place: Place, method: Route['method'], action: string): Route => {
  const { kind, part, path, named } = place
  const all = overAll(place)
  const noun = `${kind.namespaced && !all ? 'Namespaced' : ''}${kind.kind}${capitalised(part)}`
  const infix = action === 'deletecollection' ? 'Collection' : ''
  const suffix = `${action === 'watchlist' ? 'List' : ''}${all ? 'ForAllNamespaces' : ''}`
  const body = bodyOf(place, action)
  return {
    ...basics(place, action),
    path,
    method,
    id: `${verbsOfIds[action]}${idOf(kind.group, kind.version)}${infix}${noun}${suffix}`,
    description: described(place, action),
    parameters: [
      ...(named === undefined ? [] : [nameParameter(named)]),
      ...(path.includes('{namespace}') ? [namespaceParameter] : []),
      prettyParameter(source),
      ...actionParameters(source, action, kind.custom),
      ...(part === 'log' ? optionParameters(source, 'io.k8s.api.core.v1.PodLogOptions') : []),
    ],
    ...(body === undefined ? {} : { body: { ref: body, required: !action.startsWith('delete') } }),
    consumes: consumedBy(kind, action),
    produces: producedBy(place, action),
    codes: codesFor(kind, action),
    answer: answerOf(source.names, place, action),
  }
}

const codesFor = (kind: Kind, action: string): readonly string[] =>
  kind.custom && action === 'patch' ? ['200'] : (codesOf[action] ?? ['200'])

const consumedBy = ({ custom }: Kind, action: string): readonly string[] => {
  if (action === 'patch') return custom ? patchTypes.filter((type) => type !== strategic) : patchTypes
  return custom ? ['application/json', 'application/yaml'] : ['*/*']
}

const producedBy = ({ kind, part }: Place, action: string): readonly string[] => {
  if (kind.custom) return mediaTypes.filter(isText)
  if (part === 'log') return ['text/plain', ...mediaTypes]
  return action === 'watch' || action === 'watchlist' || action === 'list' ? [...mediaTypes, ...watchTypes] : mediaTypes
}

const answerOf = (names: OperationNames, { kind, part, schema }: Place, action: string): Answer => {
  if (action === 'watch' || action === 'watchlist') return { ref: `${meta}WatchEvent` }
  if (action === 'list') return { ref: names.list(kind) }
  if (action === 'deletecollection') return { ref: `${meta}Status` }
  if (action === 'delete' && (schema === undefined || !repliesObject.has(`${kind.group}/${kind.plural}`))) return { ref: `${meta}Status` }
  return part === 'log' || schema === undefined ? { type: 'string' } : { ref: schema }
}

const bodyOf = ({ kind, schema }: Place, action: string): string | undefined => {
  if (action === 'delete' || (action === 'deletecollection' && !kind.custom)) return `${meta}DeleteOptions`
  if (action === 'patch') return `${meta}Patch`
  return action === 'post' || action === 'put' ? schema : undefined
}

const connectMethods = { get: ['get', 'head', 'options'], create: ['post'], update: ['put'], patch: ['patch'], delete: ['delete'] } as const
const methods = { get: 'get', create: 'post', update: 'put', patch: 'patch', delete: 'delete' } as const
const verbs = Object.keys(methods) as (keyof typeof methods)[]

/** What is handed through to a pod, service or node: exec, attach, portforward and proxy, the last with a path behind it too. */
const connectRoutes = (source: OperationSource, place: Place, allowed: readonly string[]): readonly Route[] => {
  const { kind, part, gvk, path } = place
  const proxy = part === 'proxy'
  const asked = verbs.filter((verb) => allowed.includes(verb)).flatMap((verb) => (proxy ? connectMethods[verb] : [methods[verb]]))
  const options = optionParameters(source, source.names.byKind(gvk) ?? '')
  const noun = `${kind.namespaced ? 'Namespaced' : ''}${kind.kind}${capitalised(part)}`
  const one = (method: Route['method'], below: boolean): Route => ({
    ...basics(place, 'connect'),
    path: below ? `${path}/{path}` : path,
    method,
    id: `connect${idOf(kind.group, kind.version)}${capitalised(method)}${noun}${below ? 'WithPath' : ''}`,
    description: `connect ${method.toUpperCase()} requests to ${part} of ${kind.kind}`,
    parameters: [
      nameParameter(gvk.kind),
      ...(path.includes('{namespace}') ? [namespaceParameter] : []),
      ...(below ? [pathParameter] : []),
      ...options,
    ],
    consumes: ['*/*'],
    produces: ['*/*'],
    codes: ['200'],
    answer: { type: 'string' },
  })
  return [...asked.map((method) => one(method, false)), ...(proxy ? asked.map((method) => one(method, true)) : [])]
}

const objectRoutes = (source: OperationSource, place: Place, allowed: readonly string[]): readonly Route[] =>
  verbs
    .filter((verb) => allowed.includes(verb) && (verb !== 'create' || place.part !== ''))
    .map((verb) => route(source, place, methods[verb], methods[verb]))

const collectionRoutes = (source: OperationSource, place: Place): readonly Route[] => {
  const has = (verb: string) => place.kind.verbs.includes(verb)
  return [
    ...(has('list') ? [route(source, place, 'get', 'list')] : []),
    ...(has('create') ? [route(source, place, 'post', 'post')] : []),
    ...(has('deletecollection') ? [route(source, place, 'delete', 'deletecollection')] : []),
  ]
}

/** The old way to watch, below /watch. Custom kinds are served there too, and not told of. */
const watchRoutes = (source: OperationSource, base: string, place: Place, one: Place, all: Place): readonly Route[] => {
  if (!place.kind.verbs.includes('watch') || place.kind.custom) return []
  const below = (from: Place): Place => ({ ...from, path: `${base}/watch${from.path.slice(base.length)}` })
  return [
    ...(place.kind.namespaced ? [route(source, below(all), 'get', 'watchlist')] : []),
    route(source, below(place), 'get', 'watchlist'),
    route(source, below(one), 'get', 'watch'),
  ]
}

/** Every operation of a kind. */
export const routesOf = (source: OperationSource, kind: Kind): readonly Route[] => {
  const base = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const path = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind }
  const place: Place = { kind, path, named: undefined, part: '', gvk, schema: source.names.object(kind) }
  const all = { ...place, path: `${base}/${kind.plural}` }
  const one = { ...place, path: `${path}/{name}`, named: kind.kind }
  return [
    ...collectionRoutes(source, place),
    ...(kind.namespaced && kind.verbs.includes('list') ? [route(source, all, 'get', 'list')] : []),
    ...objectRoutes(source, one, kind.verbs),
    ...kind.subresources.flatMap((part) => partRoutes(source, one, part)),
    ...watchRoutes(source, base, place, one, all),
  ]
}

const partRoutes = (source: OperationSource, one: Place, part: Kind['subresources'][number]): readonly Route[] => {
  const { kind } = one
  const gvk = { group: part.group ?? kind.group, version: part.version ?? kind.version, kind: part.kind }
  const connects = part.kind.endsWith('Options')
  const schema = part.kind === kind.kind ? one.schema : source.names.byKind(gvk)
  // A custom kind's operations all name the kind itself.
  const named = kind.custom ? kind.kind : part.kind
  const told = kind.custom ? one.gvk : gvk
  const place: Place = { ...one, path: `${one.path}/${part.name}`, named, part: part.name, gvk: told, schema }
  return connects ? connectRoutes(source, place, part.verbs) : objectRoutes(source, place, part.verbs)
}
