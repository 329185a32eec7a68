import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { kubeconfigPaths } from '@skiff/client'
import { dumpYaml, isJsonObject, type Json, type JsonObject, loadYaml } from '@skiff/machinery'
import { listAt, mapAt, textAt } from '../objects/fields.ts'
import type { Session } from '../session.ts'

// kubeconfig files as documents: what `config` shows and changes, fields unknown here included.

export type Section = 'clusters' | 'contexts' | 'users'
export const sections: readonly Section[] = ['clusters', 'contexts', 'users']
/** What an entry of a section holds besides its name. */
const held: Readonly<Record<Section, string>> = { clusters: 'cluster', contexts: 'context', users: 'user' }

type Entries = ReadonlyMap<string, JsonObject>
export interface ConfigDocument {
  readonly currentContext: string
  readonly clusters: Entries
  readonly contexts: Entries
  readonly users: Entries
  readonly preferences: JsonObject
  readonly extensions?: Json
}

export interface ConfigFile {
  readonly path: string
  readonly exists: boolean
  readonly document: ConfigDocument
}

const pathKeys: Readonly<Record<Section, readonly string[]>> = {
  clusters: ['certificate-authority'],
  contexts: [],
  users: ['client-certificate', 'client-key', 'tokenFile'],
}

/** Paths of an entry, which files hold relative to themselves. */
const withPaths = (section: Section, entry: JsonObject, change: (path: string) => string): JsonObject => {
  const changed = pathKeys[section].flatMap((key) => (textAt(entry, [key]) ? [[key, change(textAt(entry, [key]))]] : []))
  return changed.length === 0 ? entry : { ...entry, ...Object.fromEntries(changed) }
}

const entriesOf = (value: JsonObject, section: Section, dir: string): Entries =>
  new Map(
    listAt(value, [section]).map((each) => [
      textAt(each, 'name'),
      withPaths(section, mapAt(each, [held[section]]), (path) => (isAbsolute(path) ? path : join(dir, path))),
    ]),
  )

const documentOf = (value: JsonObject, path: string): ConfigDocument => ({
  currentContext: textAt(value, ['current-context']),
  clusters: entriesOf(value, 'clusters', dirname(path)),
  contexts: entriesOf(value, 'contexts', dirname(path)),
  users: entriesOf(value, 'users', dirname(path)),
  preferences: mapAt(value, 'preferences'),
  ...(value.extensions === undefined ? {} : { extensions: value.extensions }),
})

export const readConfigFile = (path: string): ConfigFile => {
  const exists = existsSync(path)
  const loaded = exists ? loadYaml(readFileSync(path, 'utf8')).value : {}
  return { path, exists, document: documentOf(isJsonObject(loaded) ? loaded : {}, path) }
}

/** The files that count for this command, in their order; the cluster of this machine stands in where none of them exists. */
export const configFiles = ({ connection, deps }: Session): ConfigFile[] => {
  const files = kubeconfigPaths(connection.kubeconfig, deps.variables).map(readConfigFile)
  if (connection.kubeconfig || files.some(({ exists }) => exists)) return files
  const fallback = deps.fallbackKubeconfig()
  return fallback ? [readConfigFile(fallback)] : files
}

/** For each name the first file that has it counts. */
export const mergedConfig = (files: readonly ConfigFile[]): ConfigDocument => {
  const merged = (section: Section): Entries => new Map(files.toReversed().flatMap(({ document }) => [...document[section]]))
  return {
    currentContext: files.map(({ document }) => document.currentContext).find((name) => name !== '') ?? '',
    clusters: merged('clusters'),
    contexts: merged('contexts'),
    users: merged('users'),
    preferences: files.find(({ document }) => Object.keys(document.preferences).length > 0)?.document.preferences ?? {},
  }
}

/** The order of fields in JSON. */
const fieldOrder = [
  ...['server', 'tls-server-name', 'insecure-skip-tls-verify', 'certificate-authority', 'certificate-authority-data', 'proxy-url'],
  ...['disable-compression', 'client-certificate', 'client-certificate-data', 'client-key', 'client-key-data', 'token', 'tokenFile'],
  ...['as', 'as-uid', 'as-groups', 'as-user-extra', 'username', 'password', 'auth-provider', 'exec', 'cluster', 'user', 'namespace'],
  ...['command', 'args', 'env', 'apiVersion', 'installHint', 'provideClusterInfo', 'interactiveMode', 'extensions'],
]
const ordered = (entry: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(entry)
      .map(([key, value]) => [key, key === 'exec' && isJsonObject(value) ? ordered(value) : value] as const)
      .sort(([a], [b]) => fieldOrder.indexOf(a) - fieldOrder.indexOf(b)),
  )

const namesFirst = (a: readonly [string, JsonObject], b: readonly [string, JsonObject]): number => (a[0] < b[0] ? -1 : 1)
const required: Readonly<Record<Section, JsonObject>> = { clusters: { server: '' }, contexts: { cluster: '', user: '' }, users: {} }

/** The document as kubectl writes it: entries by name, null where a section is empty, fields in the order of JSON output. */
export const configObject = (document: ConfigDocument): JsonObject => {
  const list = (section: Section): Json => {
    const entries = [...document[section]].sort(namesFirst)
    if (entries.length === 0) return null
    return entries.map(([name, entry]) => ({ name, [held[section]]: ordered({ ...required[section], ...entry }) }))
  }
  return {
    kind: 'Config',
    apiVersion: 'v1',
    preferences: document.preferences,
    ...{ clusters: list('clusters'), users: list('users'), contexts: list('contexts') },
    'current-context': document.currentContext,
    ...(document.extensions === undefined ? {} : { extensions: document.extensions }),
  }
}

/** Replaces a file whole, readable by its owner alone. Paths below its folder become relative to it. */
export const writeConfigFile = (path: string, document: ConfigDocument): void => {
  const dir = dirname(path)
  const near = (to: string): string => (relative(dir, to).startsWith('..') ? to : relative(dir, to))
  const shortened = Object.fromEntries(
    sections.map((section) => [section, new Map([...document[section]].map(([name, entry]) => [name, withPaths(section, entry, near)]))]),
  )
  mkdirSync(dir, { recursive: true })
  const draft = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(draft, dumpYaml(configObject({ ...document, ...shortened })), { mode: 0o600 })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/** The file in which a named entry is changed: the one that has it, else the first that exists, else the last. */
export const fileFor = (files: readonly ConfigFile[], has: (document: ConfigDocument) => boolean): ConfigFile => {
  const found = files.find(({ document }) => has(document)) ?? files.find(({ exists }) => exists) ?? files.at(-1)
  if (!found) throw new Error('no kubeconfig file is named: set HOME, KUBECONFIG or --kubeconfig')
  return found
}

/** Sets an entry, or removes it with undefined. */
export const withEntry = (document: ConfigDocument, section: Section, name: string, entry: JsonObject | undefined): ConfigDocument => {
  const entries = new Map(document[section])
  if (entry === undefined) entries.delete(name)
  else entries.set(name, entry)
  return { ...document, [section]: entries }
}
