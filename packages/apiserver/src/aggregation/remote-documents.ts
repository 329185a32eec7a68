import { type Env, isJsonObject, type Json, type JsonObject } from '@skiff/machinery'
import type { Backend } from './backend.ts'

/** What another server tells of its group version in OpenAPI. */
export interface RemoteDocuments {
  /** The path below `/openapi/v3/`: apis/GROUP/VERSION. */
  readonly path: string
  /** Where its own index has the document of version 3, with the hash; absent where it has none. */
  readonly url3?: string
  /** Its document of version 2, of this group version alone. */
  readonly document2?: RemoteDocument2
  /** The text of its index: while that stays, so do the documents. */
  readonly index: string
}

export interface RemoteDocument2 {
  readonly paths: JsonObject
  readonly definitions: JsonObject
}

const readMs = 10_000

/** Reads a server's documents, or gives back those known where its index says that nothing changed. What it does not have is left out. */
export const readDocuments = async (backend: Backend, known: RemoteDocuments | undefined, env: Env): Promise<RemoteDocuments> => {
  const { group = '', version = '' } = backend.object.spec
  const path = `apis/${group}/${version}`
  const index = await readText(backend, '/openapi/v3', env)
  if (known && index !== '' && known.index === index) return known
  const entry = memberOf(memberOf(parsed(index), 'paths'), path)
  const url3 = entry?.serverRelativeURL
  const document2 = narrowed(parsed(await readText(backend, '/openapi/v2', env)), `/${path}`)
  return {
    path,
    index,
    ...(typeof url3 === 'string' && url3.startsWith('/openapi/v3/') ? { url3 } : {}),
    ...(document2 ? { document2 } : {}),
  }
}

/** The answer's text; '' where there is none. */
export const readText = async (backend: Backend, path: string, env: Env): Promise<string> => {
  const deadline = new AbortController()
  const cancel = env.after(readMs, () => deadline.abort())
  try {
    const { status, body } = await backend.get(path, deadline.signal)
    return status === 200 ? body : ''
  } catch {
    return ''
  } finally {
    cancel()
  }
}

const parsed = (text: string): JsonObject | undefined => {
  try {
    const value = JSON.parse(text) as Json
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const memberOf = (object: JsonObject | undefined, name: string): JsonObject | undefined => {
  const value = object && Object.hasOwn(object, name) ? object[name] : undefined
  return isJsonObject(value as Json) ? (value as JsonObject) : undefined
}

const prefix = '#/definitions/'

/** Visits every reference to a definition within a value. */
const eachReference = (value: Json | undefined, visit: (name: string) => void): void => {
  if (Array.isArray(value)) for (const item of value) eachReference(item, visit)
  else if (isJsonObject(value as Json))
    for (const [key, inner] of Object.entries(value as JsonObject))
      if (key === '$ref' && typeof inner === 'string' && inner.startsWith(prefix)) visit(inner.slice(prefix.length))
      else eachReference(inner as Json, visit)
}

/** The paths of one group version, with the definitions that they lead to. */
const narrowed = (document: JsonObject | undefined, path: string): RemoteDocument2 | undefined => {
  const all = memberOf(document, 'definitions') ?? {}
  const own = Object.entries(memberOf(document, 'paths') ?? {}).filter(([each]) => each === `${path}/` || each.startsWith(`${path}/`))
  if (own.length === 0) return undefined
  const paths = Object.fromEntries(own) as JsonObject
  const definitions = new Map<string, Json>()
  const visit = (name: string): void => {
    if (definitions.has(name) || !Object.hasOwn(all, name)) return
    definitions.set(name, all[name] as Json)
    eachReference(all[name] as Json, visit)
  }
  eachReference(paths, visit)
  return { paths, definitions: Object.fromEntries(definitions) }
}

/** Adds other servers' documents to this one's; a definition of a name that is taken otherwise gets a name of its own, as upstream has it. */
export const mergeDocuments2 = <T extends Readonly<Record<string, unknown>>>(document: T, remotes: readonly RemoteDocument2[]): T => {
  if (remotes.length === 0) return document
  const paths = { ...(document.paths as JsonObject) }
  const definitions = { ...(document.definitions as JsonObject) }
  for (const remote of remotes) {
    const renamed = new Map<string, string>()
    for (const [name, schema] of Object.entries(remote.definitions)) {
      let free = name
      for (let count = 2; Object.hasOwn(definitions, free) && JSON.stringify(definitions[free]) !== JSON.stringify(schema); count++)
        free = `${name}_v${count}`
      renamed.set(name, free)
    }
    for (const [name, schema] of Object.entries(remote.definitions))
      definitions[renamed.get(name) as string] = retargeted(schema as Json, renamed)
    for (const [path, item] of Object.entries(remote.paths))
      if (!Object.hasOwn(paths, path)) paths[path] = retargeted(item as Json, renamed)
  }
  return { ...document, paths, definitions }
}

const retargeted = (value: Json, renamed: ReadonlyMap<string, string>): Json => {
  if (Array.isArray(value)) return value.map((item) => retargeted(item, renamed))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name =
        key === '$ref' && typeof inner === 'string' && inner.startsWith(prefix) ? renamed.get(inner.slice(prefix.length)) : undefined
      return [key, name === undefined ? retargeted(inner as Json, renamed) : `${prefix}${name}`]
    }),
  )
}
