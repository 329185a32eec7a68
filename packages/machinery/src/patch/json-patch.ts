import { encodeJson } from '../json/encode.ts'
import { goKindOf } from '../json/go-text.ts'
import { isJsonArray, isJsonObject, type Json, type JsonObject, ownValue, putKey, sameJson } from '../json/value.ts'

// RFC 6902 with the tolerances and texts of the library that Kubernetes uses.

/** The API server refuses longer patches. */
export const maxJsonPatchOperations = 10_000
/** All copies of one patch together may not add more. */
const maxCopiedBytes = 3 * 1024 * 1024

/** Reads a patch document; throws with Go's texts for what is no list of objects. */
export const decodeJsonPatch = (document: Json): readonly JsonObject[] => {
  if (document === null) return []
  if (!isJsonArray(document)) throw new Error(`json: cannot unmarshal ${goKindOf(document)} into Go value of type jsonpatch.Patch`)
  for (const each of document)
    if (!isJsonObject(each) && each !== null)
      throw new Error(`json: cannot unmarshal ${goKindOf(each)} into Go value of type jsonpatch.Operation`)
  return document.map((each) => (each ?? {}) as JsonObject)
}
type Draft = { [key: string]: Json } | Json[]
interface Session {
  root: Json
  /** Containers that this patch made, and so may change. All others belong to the object or to the patch. */
  readonly own: WeakSet<object>
  copiedBytes: number
}
interface Place {
  readonly container: Draft
  readonly key: string
}

/** Applies the operations in order to a new object; throws at the first that fails, with upstream's text. */
export const applyJsonPatch = (object: Json, patch: readonly JsonObject[]): Json => {
  const session: Session = { root: object, own: new WeakSet(), copiedBytes: 0 }
  for (const operation of patch) applyOne(session, operation)
  return session.root
}

const applyOne = (session: Session, operation: JsonObject): void => {
  const op = ownValue(operation, 'op')
  const act = typeof op === 'string' && Object.hasOwn(operations, op) ? operations[op] : undefined
  if (!act) throw new Error(`Unexpected kind: ${typeof op === 'string' ? op : 'unknown'}`)
  act(session, operation)
}

const missing = 'missing value'
const badIndex = (index: number): string => `Unable to access invalid index: ${index}: invalid index referenced`

const pathOf = (operation: JsonObject, name: 'path' | 'from', kind: string): string => {
  const path = ownValue(operation, name)
  if (typeof path === 'string') return path
  if (path !== undefined && path !== null)
    throw new Error(`${kind} operation failed to decode ${name}: json: cannot unmarshal ${goKindOf(path)} into Go value of type string`)
  const shown = name === 'path' ? 'operation missing path field' : 'operation, missing from field'
  throw new Error(`${kind} operation failed to decode ${name}: ${kind === 'add' || kind === 'remove' ? '' : `${shown}: `}${missing}`)
}

const decodeKey = (part: string): string => (part.includes('~') ? part.replaceAll('~1', '/').replaceAll('~0', '~') : part)

/** A container that may be changed in place of `value`, which `put` then installs. */
const drafted = (session: Session, value: Json, put: (draft: Json) => void): Draft | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  if (session.own.has(value)) return value as Draft
  const draft: Draft = isJsonArray(value) ? [...value] : { ...value }
  session.own.add(draft)
  put(draft as Json)
  return draft
}

/** Where a pointer leads; undefined where a container on the way is missing. The containers on the way become drafts. */
const locate = (session: Session, path: string): Place | undefined => {
  const parts = path.split('/')
  if (parts.length < 2) return undefined
  let container = drafted(session, session.root, (draft) => {
    session.root = draft
  })
  for (let i = 1; i < parts.length - 1; i++) {
    if (container === undefined) return undefined
    const parent = container
    const key = decodeKey(parts[i] as string)
    if (Array.isArray(parent)) {
      const index = atoi(key)
      const at = index === undefined ? -1 : index < 0 ? parent.length + index : index
      const child: Json | undefined = parent[at]
      container = child === undefined ? undefined : drafted(session, child, (draft) => (parent[at] = draft))
    } else {
      const child = ownValue(parent, key)
      container = child === undefined ? undefined : drafted(session, child, (draft) => putKey(parent, key, draft))
    }
  }
  return container && { container, key: decodeKey(parts[parts.length - 1] as string) }
}

const atoi = (text: string): number | undefined => (/^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined)
const notANumber = (text: string): string => `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`

/** The index that exists, counting from the end below zero; a text where there is none. */
const existing = (list: readonly Json[], key: string): number | string => {
  const index = atoi(key)
  if (index === undefined) return notANumber(key)
  const at = index < 0 ? list.length + index : index
  return at < 0 || at >= list.length ? badIndex(index) : at
}

/** Null members count as absent, as Go's decoder has them. */
const read = ({ container, key }: Place): { value: Json | undefined; fault?: string } => {
  if (!Array.isArray(container)) {
    const value = ownValue(container, key)
    return value === undefined ? { value, fault: `unable to get nonexistent key: ${key}: ${missing}` } : { value }
  }
  const at = existing(container, key)
  return typeof at === 'string' ? { value: undefined, fault: at } : { value: container[at] }
}

const insert = ({ container, key }: Place, value: Json): string | undefined => {
  if (!Array.isArray(container)) {
    putKey(container, key, value)
    return undefined
  }
  if (key === '-') {
    container.push(value)
    return undefined
  }
  const index = atoi(key)
  if (index === undefined) return `value was not a proper array index: '${key}': ${notANumber(key)}`
  const at = index < 0 ? container.length + 1 + index : index
  if (at < 0 || at > container.length) return badIndex(index)
  container.splice(at, 0, value)
  return undefined
}

const take = ({ container, key }: Place): string | undefined => {
  if (!Array.isArray(container)) {
    if (!Object.hasOwn(container, key)) return `Unable to remove nonexistent key: ${key}: ${missing}`
    delete container[key]
    return undefined
  }
  const at = existing(container, key)
  if (typeof at === 'string') return at
  container.splice(at, 1)
  return undefined
}

const fail = (text: string, cause: string): never => {
  throw new Error(`${text}: ${cause}`)
}

const add = (session: Session, operation: JsonObject): void => {
  const path = pathOf(operation, 'path', 'add')
  const place = locate(session, path) ?? fail(`add operation does not apply: doc is missing path: "${path}"`, missing)
  const fault = insert(place, ownValue(operation, 'value') ?? null)
  if (fault) fail(`error in add for path: '${path}'`, fault)
}

const remove = (session: Session, operation: JsonObject): void => {
  const path = pathOf(operation, 'path', 'remove')
  const place = locate(session, path) ?? fail(`remove operation does not apply: doc is missing path: "${path}"`, missing)
  const fault = take(place)
  if (fault) fail(`error in remove for path: '${path}'`, fault)
}

const replace = (session: Session, operation: JsonObject): void => {
  const path = pathOf(operation, 'path', 'replace')
  const place = locate(session, path) ?? fail(`replace operation does not apply: doc is missing path: ${path}`, missing)
  if (read(place).fault) fail(`replace operation does not apply: doc is missing key: ${path}`, missing)
  const value = ownValue(operation, 'value') ?? null
  if (Array.isArray(place.container)) place.container[existing(place.container, place.key) as number] = value
  else putKey(place.container, place.key, value)
}

const move = (session: Session, operation: JsonObject): void => {
  const from = pathOf(operation, 'from', 'move')
  const source = locate(session, from) ?? fail(`move operation does not apply: doc is missing from path: ${from}`, missing)
  const { value, fault } = read(source)
  if (fault) fail(`error in move for path: '${source.key}'`, fault)
  take(source)
  const path = pathOf(operation, 'path', 'move')
  const place = locate(session, path) ?? fail(`move operation does not apply: doc is missing destination path: ${path}`, missing)
  const refused = insert(place, value as Json)
  if (refused) fail(`error in move for path: '${path}'`, refused)
}

const copy = (session: Session, operation: JsonObject): void => {
  const from = pathOf(operation, 'from', 'copy')
  const source = locate(session, from) ?? fail(`copy operation does not apply: doc is missing from path: ${from}`, missing)
  const { value, fault } = read(source)
  if (fault) fail(`error in copy for from: '${from}'`, fault)
  const path = pathOf(operation, 'path', 'copy')
  const place = locate(session, path) ?? fail(`copy operation does not apply: doc is missing destination path: ${path}`, missing)
  // Copied by its text, since the original may still change as a draft.
  const text = encodeJson(value)
  session.copiedBytes += Buffer.byteLength(text)
  if (session.copiedBytes > maxCopiedBytes)
    throw new Error(
      `Unable to complete the copy, the accumulated size increase of copy is ${session.copiedBytes}, exceeding the limit ${maxCopiedBytes}`,
    )
  const refused = insert(place, frozenCopy(session, value as Json))
  if (refused) fail('error while adding value during copy', refused)
}

/** The value as it is now: drafts in it are copied, so that later changes of them stay theirs. */
const frozenCopy = (session: Session, value: Json): Json => {
  if (typeof value !== 'object' || value === null || !session.own.has(value)) return value
  if (isJsonArray(value)) return value.map((each) => frozenCopy(session, each))
  const copied: { [key: string]: Json } = {}
  for (const [key, each] of Object.entries(value)) putKey(copied, key, frozenCopy(session, each as Json))
  return copied
}

const check = (session: Session, operation: JsonObject): void => {
  const path = pathOf(operation, 'path', 'test')
  const place = locate(session, path) ?? fail(`test operation does not apply: is missing path: ${path}`, missing)
  const { value, fault } = read(place)
  if (fault && Array.isArray(place.container)) fail(`error in test for path: '${path}'`, fault)
  if (!sameJson(value ?? null, ownValue(operation, 'value') ?? null)) fail(`testing value ${path} failed`, 'test failed')
}

const operations: Readonly<Record<string, (session: Session, operation: JsonObject) => void>> = {
  add,
  remove,
  replace,
  move,
  copy,
  test: check,
}
