import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import type { ServedResource } from '@skiff/client'
import { isJsonObject, type Json, loadYamlAll } from '@skiff/machinery'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'
import { type Dynamic, listAt, textAt } from './fields.ts'
import type { Info } from './info.ts'

export interface ManifestOptions {
  readonly recursive?: boolean
  /** The mapping fails for kinds that are not served; true leaves them to the caller to report late, as apply of a CRD and its objects. */
  readonly namespaceRequired?: boolean
}

const extensions = new Set(['.json', '.yaml', '.yml'])

const filesUnder = (path: string, recursive: boolean): string[] => {
  let stat: ReturnType<typeof statSync>
  try {
    stat = statSync(path)
  } catch {
    throw new UsageError(`the path ${JSON.stringify(path)} does not exist`)
  }
  if (!stat.isDirectory()) return [path]
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const inner = join(path, entry.name)
      if (entry.isDirectory()) return recursive ? filesUnder(inner, true) : []
      return extensions.has(extname(entry.name)) ? [inner] : []
    })
}

/** One document of a file, lists taken apart. */
export interface Document {
  readonly source: string
  readonly object: Dynamic
}

const documentsOf = (source: string, content: string): Document[] => {
  let loaded: ReturnType<typeof loadYamlAll>
  try {
    loaded = loadYamlAll(content)
  } catch (error) {
    const { message } = error as Error
    throw new UsageError(`error parsing ${source}: ${message.startsWith('yaml: ') ? 'error converting YAML to JSON: ' : ''}${message}`)
  }
  return loaded.flatMap(({ value }) => flattened(source, value))
}

const flattened = (source: string, value: Json): Document[] => {
  if (!isJsonObject(value))
    throw new UsageError(
      `error validating ${JSON.stringify(source)}: error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false`,
    )
  if (textAt(value, 'kind').endsWith('List') && Array.isArray(value.items))
    return listAt(value, 'items').flatMap((item) => flattened(source, item))
  const missing = ['apiVersion', 'kind'].filter((key) => !textAt(value, key))
  if (missing.length > 0) {
    const why = missing.map((key) => `${key} not set`).join(', ')
    const shown = missing.length === 1 ? why : `[${why}]`
    throw new UsageError(
      `error validating ${JSON.stringify(source)}: error validating data: ${shown}; if you choose to ignore these errors, turn validation off with --validate=false`,
    )
  }
  return [{ source, object: { ...value, metadata: value.metadata ?? {} } as unknown as Dynamic }]
}

/** Reads -f: files, folders, and `-` for standard input. */
export const readManifests = async (session: Session, paths: readonly string[], options: ManifestOptions = {}): Promise<Document[]> => {
  const documents: Document[] = []
  for (const path of paths) {
    if (/^https?:\/\//.test(path)) throw new UsageError(`reading manifests from URLs is not supported: ${path}`)
    if (path === '-') documents.push(...documentsOf('STDIN', await readText(session.deps.stdin)))
    else for (const file of filesUnder(path, options.recursive ?? false)) documents.push(...documentsOf(file, readFileSync(file, 'utf8')))
  }
  return documents
}

/** Where a manifest's object goes. Throws where its namespace contradicts --namespace. */
export const infoOfDocument = (document: Document, resource: ServedResource, session: Session, namespace: string): Info => {
  const { object, source } = document
  const own = object.metadata.namespace
  const asked = session.connection.namespace
  if (resource.namespaced && own && asked && own !== asked)
    throw new UsageError(
      `the namespace from the provided object ${JSON.stringify(own)} does not match the namespace ${JSON.stringify(asked)}. You must pass '--namespace=${own}' to perform this operation.`,
    )
  const where = resource.namespaced ? own || namespace : ''
  const metadata = { ...object.metadata, ...(resource.namespaced ? { namespace: where } : {}) }
  return { resource, namespace: where, name: object.metadata.name ?? '', object: { ...object, metadata } as Dynamic, source }
}

/** Reads manifests and maps each to its resource; kinds that are not served are complained of with their file. */
export const readInfos = async (session: Session, paths: readonly string[], options: ManifestOptions = {}): Promise<Info[]> => {
  const documents = await readManifests(session, paths, options)
  const { namespace } = await session.connect()
  const mapping = await session.mapping()
  return documents.map((document) => {
    const { object, source } = document
    let resource: ServedResource
    try {
      resource = mapping.kind(object.apiVersion, object.kind)
    } catch (error) {
      const name = object.metadata.name ?? ''
      throw new UsageError(
        `resource mapping not found for name: ${JSON.stringify(name)} namespace: ${JSON.stringify(object.metadata.namespace ?? '')} from ${JSON.stringify(source)}: ${(error as Error).message}`,
      )
    }
    return infoOfDocument(document, resource, session, namespace)
  })
}
