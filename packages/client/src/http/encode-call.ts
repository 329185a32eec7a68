import type { Readable } from 'node:stream'
import type { Call, Query } from '../call.ts'

/** One HTTP request, ready to be sent. */
export interface WireRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | Readable
}

const segment = encodeURIComponent

/** `/apis/apps/v1/namespaces/n/deployments/d/scale` of a call. */
export const pathOfCall = (call: Pick<Call, 'group' | 'version' | 'resource' | 'namespace' | 'name' | 'subresource' | 'path'>): string => {
  const base = call.group === '' ? `/api/${call.version}` : `/apis/${call.group}/${call.version}`
  const space = call.namespace === undefined || call.namespace === '' ? '' : `/namespaces/${segment(call.namespace)}`
  const name = call.name === undefined ? '' : `/${segment(call.name)}`
  const part = call.subresource === undefined ? '' : `/${call.subresource}`
  return `${base}${space}/${call.resource}${name}${part}${call.path ?? ''}`
}

export const encodeQuery = (query: Query): string => {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const each of typeof value === 'string' ? [value] : value) parameters.append(name, each)
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}

const methods = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
} as const

/** The request that says what the call says. Objects are sent as JSON. */
export const encodeCall = (call: Call): WireRequest => {
  const method = call.verb === 'connect' ? (call.method ?? 'GET') : methods[call.verb]
  const query = call.verb === 'watch' ? { ...call.query, watch: 'true' } : call.query
  const headers: Record<string, string> = { accept: call.accept ?? 'application/json' }
  if (call.userAgent) headers['user-agent'] = call.userAgent
  const request = { method, path: `${pathOfCall(call)}${encodeQuery(query)}`, headers }
  const { body } = call
  if (!body) return request
  headers['content-type'] = body.contentType ?? 'application/json'
  if ('stream' in body) return { ...request, body: body.stream }
  return { ...request, body: 'bytes' in body ? body.bytes : Buffer.from(JSON.stringify(body.object, bigIntText)) }
}

/** Integers past 2^53 stay exact: JSON.rawJSON writes their digits. */
const bigIntText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(value.toString()) : value
