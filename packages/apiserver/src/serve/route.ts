import type { Call, Identity, Query, Verb } from '@skiff/client'

/** A request's path taken apart. `resource` is undefined for paths that are not about resources. */
export interface Target {
  readonly path: string
  readonly query: Query
  readonly resource?: Pick<Call, 'group' | 'version' | 'resource' | 'namespace' | 'name' | 'subresource' | 'path'>
}

const none: Query = {}

/** Splits a request target; undefined when its escapes are broken. */
export const parseTarget = (url: string): Target | undefined => {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const query = mark < 0 ? none : parseQuery(url.slice(mark + 1))
  const plain = path.includes('%') ? decoded(path) : path
  if (plain === undefined) return undefined
  const resource = resourceOf(plain.split('/'))
  return resource ? { path, query, resource } : { path, query }
}

/** As Go does it: an escaped slash divides like any other. */
const decoded = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

const parseQuery = (text: string): Query => {
  const query: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const known = query[name]
    query[name] = known === undefined ? value : typeof known === 'string' ? [known, value] : [...known, value]
  }
  return query
}

/** `/api/v1/namespaces/n/pods/p/log`, `/apis/apps/v1/deployments`: upstream's RequestInfo. */
const resourceOf = (parts: readonly string[]): Target['resource'] => {
  const core = parts[1] === 'api'
  if (!core && parts[1] !== 'apis') return undefined
  const group = core ? '' : (parts[2] ?? '')
  const at = core ? 3 : 4
  const version = parts[at - 1]
  let rest = parts.slice(at)
  while (rest.length > 0 && rest[rest.length - 1] === '') rest = rest.slice(0, -1)
  if (!version || rest.length === 0 || rest[0] === '') return undefined
  // The old form of a watch.
  if (rest[0] === 'watch' && rest.length > 1) rest = rest.slice(1)
  const base = { group, version }
  if (
    rest[0] === 'namespaces' &&
    rest.length > 2 &&
    !(group === '' && (rest[2] === 'status' || rest[2] === 'finalize') && rest.length === 3)
  ) {
    const [, namespace, resource = '', name, subresource, ...more] = rest
    return { ...base, resource, namespace: namespace ?? '', ...named(name, subresource, more) }
  }
  const [resource = '', name, subresource, ...more] = rest
  return { ...base, resource, ...named(name, subresource, more) }
}

const named = (name: string | undefined, subresource: string | undefined, more: readonly string[]) => ({
  ...(name !== undefined ? { name } : {}),
  ...(subresource !== undefined ? { subresource } : {}),
  ...(more.length > 0 ? { path: `/${more.join('/')}` } : {}),
})

const connecting = new Set(['exec', 'attach', 'portforward', 'proxy'])

/** The verb of a method on a target; undefined for methods that no resource knows. */
export const verbOf = (method: string, resource: NonNullable<Target['resource']>, query: Query, oldWatch: boolean): Verb | undefined => {
  if (resource.subresource !== undefined && connecting.has(resource.subresource)) return 'connect'
  const flag = query.watch
  const watching = oldWatch || (flag !== undefined && flag !== 'false' && flag !== '0')
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (watching && (oldWatch || resource.name === undefined)) return 'watch'
      return resource.name === undefined ? 'list' : 'get'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return resource.name === undefined ? 'deletecollection' : 'delete'
    default:
      return undefined
  }
}

/** True when method and form of the path do not go together: PUT on a collection, POST on an object. */
export const misplaced = (method: string, resource: NonNullable<Target['resource']>): boolean => {
  if (resource.subresource !== undefined) return false
  if (resource.name === undefined) return method === 'PUT' || method === 'PATCH'
  return method === 'POST'
}

export const anonymous: Identity = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
