import { isJsonArray, isJsonObject, type Json, putKey } from '../json/value.ts'
import { elementOf, type KeyedList, type Typed, typeFor, typeOfKey } from './typed.ts'

/** The live value with a configuration laid over it: what the configuration names wins, elements of lists are matched by their keys. */
export const mergeConfiguration = (type: Typed, live: Json | undefined, given: Json | undefined): Json | undefined => {
  if (given === undefined) return live
  if (live === undefined) return given
  const form = typeFor(type, given)
  // Null is an empty map or list: laid over one that is not empty it changes nothing.
  if (given === null && isContainer(form, live)) return live
  if (form.is === 'object' && isJsonObject(live) && isJsonObject(given)) {
    const out: Record<string, Json> = { ...live }
    for (const name of Object.keys(given)) {
      const inner = typeOfKey(form, name)
      const merged = inner ? mergeConfiguration(inner, Object.hasOwn(live, name) ? live[name] : undefined, given[name]) : given[name]
      if (merged !== undefined) putKey(out, name, merged)
    }
    return out
  }
  if ((form.is === 'keyed' || form.is === 'set') && isJsonArray(live) && isJsonArray(given)) return mergeLists(form, live, given)
  return given
}

const isContainer = (form: Typed, value: Json): boolean =>
  (form.is === 'object' && isJsonObject(value) && Object.keys(value).length > 0) ||
  ((form.is === 'keyed' || form.is === 'set') && isJsonArray(value) && value.length > 0)

/** Elements of both stand in the configuration's order; those of the live list alone stay behind what they followed. */
const mergeLists = (
  type: KeyedList | { readonly is: 'set'; readonly items: Typed },
  live: readonly Json[],
  given: readonly Json[],
): Json => {
  const liveElements = live.map((item) => elementOf(type, item))
  const givenElements = given.map((item) => elementOf(type, item))
  const liveItems = new Map(liveElements.map((element, index) => [element, live[index] as Json]))
  const inGiven = new Set(givenElements)
  const shared = givenElements.filter((element) => liveItems.has(element))
  const out: Json[] = []
  let due = 0
  const take = (index: number) => {
    const element = givenElements[index] as string
    out.push(mergeConfiguration(type.items, liveItems.get(element), given[index]) as Json)
    if (shared[due] === element) due++
  }
  let at = 0
  let next = 0
  while (at < live.length || next < given.length) {
    const element = liveElements[at]
    if (element !== undefined && !inGiven.has(element)) {
      out.push(live[at++] as Json)
      continue
    }
    // A shared element that is not due yet comes where the configuration has it.
    if (element !== undefined && element !== givenElements[next] && (next >= given.length || element !== shared[due])) {
      at++
      continue
    }
    if (element !== undefined && element === givenElements[next]) at++
    take(next++)
  }
  return out
}
