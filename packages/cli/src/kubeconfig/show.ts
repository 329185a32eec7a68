import { readFileSync } from 'node:fs'
import type { JsonObject } from '@skiff/machinery'
import { textAt } from '../objects/fields.ts'
import { UsageError } from '../usage-error.ts'
import type { ConfigDocument, Section } from './file.ts'

const omitted: Readonly<Record<string, string>> = {
  'certificate-authority-data': 'DATA+OMITTED',
  'client-certificate-data': 'DATA+OMITTED',
  'client-key-data': 'DATA+OMITTED',
  token: 'REDACTED',
  password: 'REDACTED',
}

const mapEntries = (document: ConfigDocument, section: Section, change: (entry: JsonObject) => JsonObject): ConfigDocument => ({
  ...document,
  [section]: new Map([...document[section]].map(([name, entry]) => [name, change(entry)])),
})

/** Without what is secret or long. */
export const redacted = (document: ConfigDocument): ConfigDocument => {
  const hide = (entry: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(entry).map(([key, value]) => [key, Object.hasOwn(omitted, key) && value ? (omitted[key] as string) : value]),
    )
  return mapEntries(mapEntries(document, 'clusters', hide), 'users', hide)
}

const embed = (entry: JsonObject, keys: readonly string[]): JsonObject => {
  const result: Record<string, JsonObject[string]> = { ...entry }
  for (const key of keys) {
    const path = textAt(entry, [key])
    if (!path) continue
    delete result[key]
    result[`${key}-data`] = readFileSync(path).toString('base64')
  }
  return result
}

/** With the contents of the files it names, so that it can be used elsewhere. */
export const flattened = (document: ConfigDocument): ConfigDocument => {
  const clusters = mapEntries(document, 'clusters', (entry) => embed(entry, ['certificate-authority']))
  return mapEntries(clusters, 'users', (entry) => embed(entry, ['client-certificate', 'client-key']))
}

/** Only the context in use, with its cluster and user. */
export const minified = (document: ConfigDocument, asked: string | undefined): ConfigDocument => {
  const name = asked || document.currentContext
  if (!name) throw new UsageError('current-context must exist in order to minify')
  const context = document.contexts.get(name)
  if (!context) throw new UsageError(`cannot locate context ${name}`)
  const only = (section: Section, key: string) => {
    const wanted = textAt(context, key)
    const entry = document[section].get(wanted)
    if (wanted && !entry) throw new UsageError(`cannot locate ${key} ${wanted}`)
    return new Map(entry ? [[wanted, entry] as const] : [])
  }
  return {
    ...document,
    currentContext: name,
    contexts: new Map([[name, context]]),
    clusters: only('clusters', 'cluster'),
    users: only('users', 'user'),
  }
}
