import { isJsonArray, isJsonObject, type Json, type JsonObject, type KubeObject, ownValue } from '@skiff/machinery'

/** An object of any kind, as it comes over the wire. */
export type Dynamic = KubeObject & JsonObject

const splitPath = (path: string): string[] => path.split('.')

/** The value at `spec.template.spec`; undefined where the way there breaks off. Keys with dots are given as a list. */
export const at = (value: Json | undefined, path: string | readonly string[]): Json | undefined => {
  let here: Json | undefined = value
  for (const key of typeof path === 'string' ? splitPath(path) : path) {
    if (!isJsonObject(here)) return undefined
    here = ownValue(here, key)
  }
  return here
}
export const textAt = (value: Json | undefined, path: string | readonly string[]): string => {
  const found = at(value, path)
  return found === undefined || found === null ? '' : typeof found === 'object' ? JSON.stringify(found) : String(found)
}
export const numberAt = (value: Json | undefined, path: string | readonly string[]): number => Number(at(value, path) ?? 0)
export const listAt = (value: Json | undefined, path: string | readonly string[]): readonly JsonObject[] => {
  const found = at(value, path)
  return isJsonArray(found) ? (found as readonly JsonObject[]) : []
}
export const textsAt = (value: Json | undefined, path: string | readonly string[]): readonly string[] => {
  const found = at(value, path)
  return isJsonArray(found) ? found.map(String) : []
}
export const mapAt = (value: Json | undefined, path: string | readonly string[]): JsonObject => {
  const found = at(value, path)
  return isJsonObject(found) ? found : {}
}

/** A copy with `next` at the path; maps on the way are made. `undefined` removes. */
export const withAt = (value: JsonObject, path: string | readonly string[], next: Json | undefined): JsonObject => {
  const [key, ...rest] = typeof path === 'string' ? splitPath(path) : path
  if (key === undefined) return value
  if (rest.length === 0) {
    const { [key]: _gone, ...others } = value
    return next === undefined ? others : { ...value, [key]: next }
  }
  return { ...value, [key]: withAt(mapAt(value, [key]), rest, next) }
}
