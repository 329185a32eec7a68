import { decodeFields, encodeFields, encodeJson, type FieldSet, type JsonObject, type KubeObject, rememberJson } from '@skiff/machinery'

/** A field set with its wire form. Objects made alike hold alike: each is kept once, however many objects have it. */
export interface SharedFields {
  readonly fields: FieldSet
  readonly wire: JsonObject
}

const maxTexts = 4096
/** By the wire form's text, canonical or as somebody sent it. */
const byText = new Map<string, SharedFields>()
const byFields = new WeakMap<FieldSet, SharedFields>()
/**
 * Of those that several objects hold. What one object alone holds (a pod's status has the pod's address in it) is not kept with it: a set in
 * memory is many times its wire form, and is read anew in the rare case that it is needed again.
 */
const byWire = new WeakMap<JsonObject, SharedFields>()

/** What a longer text says is hardly ever said again, and would stay in memory for nothing. */
const longestShared = 32 * 1024
/** The wire forms of such texts. */
const alone = new WeakSet<JsonObject>()

const remember = (text: string, shared: SharedFields): SharedFields => {
  if (text.length > longestShared) {
    alone.add(shared.wire)
    return shared
  }
  if (byText.size >= maxTexts) byText.clear()
  byText.set(text, shared)
  return shared
}

const made = (fields: FieldSet, wire: JsonObject): SharedFields => {
  const shared = { fields, wire }
  byFields.set(fields, shared)
  return shared
}

/** Met once more, with another object. */
const metAgain = (shared: SharedFields): SharedFields => {
  const { wire } = shared
  if (!byWire.has(wire)) {
    byWire.set(wire, shared)
    rememberJson(wire, encodeJson(wire))
  }
  return shared
}

/** The one form of a set. */
export const sharedFields = (fields: FieldSet): SharedFields => {
  const known = byFields.get(fields)
  if (known) return known
  const shared = sharedAs(fields, encodeFields(fields))
  byFields.set(fields, shared)
  return shared
}

/** sharedFields of a set that may be large: what takes long is done in steps, with a turn for others after each. */
export const shareInSteps = async (fields: FieldSet, turn: () => Promise<void>): Promise<void> => {
  if (byFields.has(fields)) return
  const wire = encodeFields(fields)
  await turn()
  byFields.set(fields, sharedAs(fields, wire))
  await turn()
}

const sharedAs = (fields: FieldSet, wire: JsonObject): SharedFields => {
  const text = JSON.stringify(wire)
  const found = byText.get(text)
  return found ? metAgain(found) : remember(text, made(fields, wire))
}

/** The one form of a set that is read; throws an Error for a path element that is none. */
export const sharedFromWire = (wire: JsonObject): SharedFields => {
  const known = byWire.get(wire)
  if (known) return known
  const text = JSON.stringify(wire)
  const found = byText.get(text)
  if (!found) return remember(text, sharedFields(decodeFields(wire)))
  return found.wire === wire ? found : metAgain(found)
}

/** A stored object with the shared form of its field sets, which it holds no copies of then. What cannot be read stays as it is. */
export const withSharedFields = (object: KubeObject): KubeObject => {
  const { managedFields } = object.metadata
  if (!managedFields || managedFields.length === 0) return object
  const shared = managedFields.map((entry) => {
    if (!entry.fieldsV1 || alone.has(entry.fieldsV1 as JsonObject)) return entry
    try {
      return { ...entry, fieldsV1: sharedFromWire(entry.fieldsV1 as JsonObject).wire }
    } catch {
      return entry
    }
  })
  return { ...object, metadata: { ...object.metadata, managedFields: shared } }
}
