// Defaulting runs over every object that is written or read, and mostly changes nothing: then these give back what they were given.

/** `change` over a list; the same list when no item changed. */
export const mapSame = <T>(list: readonly T[], change: (item: T) => T): readonly T[] => {
  let out: T[] | undefined
  for (let index = 0; index < list.length; index++) {
    const item = list[index] as T
    const next = change(item)
    if (next === item) continue
    out ??= list.slice()
    out[index] = next
  }
  return out ?? list
}

/** `object` with one field set; the same object when it holds that value already. */
export const withField = <T extends object, K extends keyof T>(object: T, field: K, value: T[K]): T =>
  object[field] === value ? object : { ...object, [field]: value }

/** Fills absent fields; the same object when none was absent. */
export const withDefaults = <T extends object>(object: T, defaults: Partial<T>): T => {
  for (const field of Object.keys(defaults) as (keyof T)[]) if (object[field] === undefined) return { ...defaults, ...dropAbsent(object) }
  return object
}
const dropAbsent = <T extends object>(object: T): T =>
  Object.values(object).includes(undefined)
    ? (Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T)
    : object

/** Applies `change` to a field that is there. */
export const inField = <T extends object, K extends keyof T>(object: T, field: K, change: (value: NonNullable<T[K]>) => T[K]): T => {
  const value = object[field]
  return value === undefined || value === null ? object : withField(object, field, change(value as NonNullable<T[K]>))
}
