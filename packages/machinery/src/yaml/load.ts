import { EVENT_ID, type Event, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from 'js-yaml'
import { parseJsonText } from '../json/parse.ts'
import type { Json } from '../json/value.ts'
import { putKey } from '../json/value.ts'
import { yamlFault } from './fault.ts'
import { floatText } from './float.ts'
import { resolveScalar } from './resolve.ts'

export interface LoadedYaml {
  readonly value: Json
  /** At most one text, which names every key that was set twice. The last value stands. */
  readonly duplicates: readonly string[]
}

const defaultMaxDepth = 1000
/** Keys set twice that are named; to find the line of one costs a walk over the text. */
const maxRepeated = 100
type AnyEvent = Event & { readonly anchorStart?: number; readonly anchorEnd?: number; readonly tagStart?: number; readonly tagEnd?: number }

interface Anchor {
  readonly value: Json
  /** How many nodes an alias to it stands for. */
  readonly nodes: number
}
interface Reader {
  readonly text: string
  readonly events: readonly Event[]
  at: number
  readonly anchors: Map<string, Anchor | 'open'>
  readonly repeated: string[]
  /** Nodes read, those that aliases stand for included, and the latter alone. */
  nodes: number
  aliased: number
}

/** Reads the first document of YAML, which JSON is too; throws with the texts of Kubernetes' YAML library. */
export const loadYaml = (text: string, maxDepth: number = defaultMaxDepth): LoadedYaml => {
  checkFirstTab(text)
  const reader: Reader = { text, events: eventsOf(text, maxDepth), at: 0, anchors: new Map(), repeated: [], nodes: 0, aliased: 0 }
  if (reader.events[0]?.type !== EVENT_ID.DOCUMENT) return { value: null, duplicates: [] }
  reader.at++
  const empty = reader.events[reader.at]?.type === EVENT_ID.POP
  const value = empty ? null : readNode(reader)
  return { value, duplicates: reader.repeated.length === 0 ? [] : [`yaml: unmarshal errors:\n${reader.repeated.join('\n')}`] }
}

/** A tab cannot stand before what comes first. */
const checkFirstTab = (text: string): void => {
  const first = text.search(/[^ \n]/)
  if (first < 0 || text[first] !== '\t') return
  const lines = text.slice(0, first).split('\n').length
  throw new Error(`yaml: ${lines > 1 ? `line ${lines}: ` : ''}found character that cannot start any token`)
}

/**
 * The documents of a stream as kubectl takes it apart: at lines of `---` alone, or with a comment. A document of JSON is read as
 * such; empty ones are left out.
 */
export const loadYamlAll = (text: string): LoadedYaml[] => {
  const documents = text.split(/^---[^\S\n]*(?:#[^\n]*)?$/m)
  return documents.map(loadDocument).filter(({ value }) => value !== null)
}

const loadDocument = (text: string): LoadedYaml => {
  if (!/^\s*\{/.test(text)) return loadYaml(text)
  try {
    return parseJsonText(text)
  } catch {
    return loadYaml(text)
  }
}

const eventsOf = (text: string, maxDepth: number): Event[] => {
  try {
    return parseEvents(text, { maxDepth })
  } catch (error) {
    if (error instanceof YAMLException) throw yamlFault(text, error)
    throw error
  }
}

const readNode = (reader: Reader): Json => {
  const event = reader.events[reader.at++] as AnyEvent
  reader.nodes++
  if (event.type === EVENT_ID.ALIAS) return readAlias(reader, reader.text.slice(event.anchorStart, event.anchorEnd))
  const anchored = event.anchorStart !== undefined && event.anchorStart >= 0
  const name = anchored ? reader.text.slice(event.anchorStart, event.anchorEnd) : ''
  const before = reader.nodes
  if (anchored) reader.anchors.set(name, 'open')
  const value = readContent(reader, event)
  if (anchored) reader.anchors.set(name, { value, nodes: reader.nodes - before + 1 })
  return value
}

const readContent = (reader: Reader, event: AnyEvent): Json => {
  switch (event.type) {
    case EVENT_ID.SCALAR: {
      const text = getScalarValue(reader.text, event)
      if (!text.isWellFormed()) throw notUnicode(reader.text, event)
      const tag = event.tagStart >= 0 ? reader.text.slice(event.tagStart, event.tagEnd) : ''
      return scalarValue(text, tag, event.style === SCALAR_STYLE.PLAIN)
    }
    case EVENT_ID.SEQUENCE: {
      const items: Json[] = []
      while (reader.events[reader.at]?.type !== EVENT_ID.POP) items.push(readNode(reader))
      reader.at++
      return items
    }
    case EVENT_ID.MAPPING:
      return readMapping(reader)
    default:
      throw new Error('yaml: did not find expected node content')
  }
}

const readAlias = (reader: Reader, name: string): Json => {
  const anchor = reader.anchors.get(name)
  if (anchor === undefined) throw new Error(`yaml: unknown anchor '${name}' referenced`)
  if (anchor === 'open') throw new Error(`yaml: anchor '${name}' value contains itself`)
  reader.nodes += anchor.nodes
  reader.aliased += anchor.nodes
  if (reader.aliased > 100 && reader.nodes > 1000 && reader.aliased / reader.nodes > allowedAliasRatio(reader.nodes))
    throw new Error('yaml: document contains excessive aliasing')
  return anchor.value
}

/** The larger a document, the less of it may come from aliases: upstream's guard against bombs. */
const allowedAliasRatio = (nodes: number): number => {
  if (nodes <= 400_000) return 0.99
  return nodes >= 4_000_000 ? 0.1 : 0.99 - 0.89 * ((nodes - 400_000) / 3_600_000)
}

const readMapping = (reader: Reader): Json => {
  const mapping: { [key: string]: Json } = {}
  while (reader.events[reader.at]?.type !== EVENT_ID.POP) {
    const event = reader.events[reader.at] as AnyEvent
    if (isMergeKey(reader.text, event)) {
      reader.at++
      merge(mapping, readNode(reader))
      continue
    }
    const written = readNode(reader)
    const key = keyText(written)
    const valueEvent = reader.events[reader.at] as AnyEvent
    const value = readNode(reader)
    if (Object.hasOwn(mapping, key) && reader.repeated.length < maxRepeated)
      reader.repeated.push(
        `  line ${lineOf(reader.text, valueEvent)}: key ${typeof written === 'string' ? JSON.stringify(key) : key} already set in map`,
      )
    putKey(mapping, key, value)
  }
  reader.at++
  return mapping
}

const isMergeKey = (text: string, event: AnyEvent): boolean =>
  event.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN && text.slice(event.valueStart, event.valueEnd) === '<<'

/** Upstream merges where the key stands: what comes later overrides. */
const merge = (into: { [key: string]: Json }, from: Json): void => {
  if (Array.isArray(from)) {
    // The first of a list wins.
    for (const each of [...from].reverse()) merge(into, each)
    return
  }
  if (typeof from !== 'object' || from === null) throw new Error('yaml: map merge requires map or sequence of maps as the value')
  for (const [key, value] of Object.entries(from)) putKey(into, key, value)
}

const keyText = (key: Json): string => {
  if (typeof key === 'string') return key
  if (typeof key === 'number') return Number.isInteger(key) ? String(key) : floatText(key)
  if (typeof key === 'bigint' || typeof key === 'boolean') return String(key)
  if (key === null) throw new Error('Unsupported map key of type: %!s(<nil>), key: <nil>, value: <nil>')
  throw new Error(`yaml: invalid map key: ${JSON.stringify(key)}`)
}

const scalarValue = (text: string, tag: string, plain: boolean): Json => {
  const name = tag.replace(/^!<tag:yaml\.org,2002:(.*)>$/, '!!$1')
  if (name === '') return plain ? finite(resolveScalar(text).value) : text
  switch (name) {
    case '!!binary':
      return Buffer.from(text, 'base64').toString('utf8')
    case '!!int':
    case '!!float':
    case '!!bool':
    case '!!null':
      return typedValue(text, name.slice(2))
    default:
      return text
  }
}

const typedValue = (text: string, wanted: string): Json => {
  const { tag, value } = resolveScalar(text)
  if (tag === wanted || (tag === 'int' && wanted === 'float')) return finite(value)
  throw new Error(`yaml: cannot decode !!${tag} \`${text}\` as a !!${wanted}`)
}

/** JSON has no infinities. */
const finite = (value: Json): Json => {
  if (typeof value !== 'number' || Number.isFinite(value)) return value
  throw new Error(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`)
}

/** An escape that names half of a character. */
const notUnicode = (text: string, event: AnyEvent): Error => {
  const line = lineOf(text, event)
  return new Error(`yaml: ${line === 1 ? '' : `line ${line}: `}found invalid Unicode character escape code`)
}

const lineOf = (text: string, event: AnyEvent): number => {
  const at = event.type === EVENT_ID.SCALAR ? event.valueStart : 'start' in event ? event.start : (event.anchorStart ?? 0)
  let line = 1
  for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) line++
  return line
}
