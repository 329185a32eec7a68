/** What is wrong with a simulation file: where, and a sentence. */
export class FileError extends Error {}

/** A map of a file that is read field by field, with complaints that name the place. */
export interface Fields {
  readonly path: string
  text(name: string): string | undefined
  number(name: string): number | undefined
  flag(name: string): boolean | undefined
  /** Of texts; numbers and flags count as theirs. */
  map(name: string): Readonly<Record<string, string>> | undefined
  texts(name: string): readonly string[] | undefined
  object(name: string): Fields | undefined
  list(name: string): readonly Fields[]
  raw(name: string): unknown
  /** Throws: the field `name` is not as it should be. */
  refuse(name: string, why: string): never
  /** Throws for a field that is none of these. */
  only(...names: readonly string[]): void
}

const isScalar = (value: unknown): value is string | number | boolean | bigint =>
  ['string', 'number', 'boolean', 'bigint'].includes(typeof value)

/** `path` is that of the map itself: `document 2 (Stage pod-ready): spec`. */
export const fieldsOf = (value: unknown, path: string): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FileError(`${path} must be a map`)
  const held = value as Readonly<Record<string, unknown>>
  const raw = (name: string): unknown => (Object.hasOwn(held, name) ? (held[name] ?? undefined) : undefined)
  const refuse = (name: string, why: string): never => {
    throw new FileError(`${path}.${name} ${why}`)
  }
  const typed =
    <T>(is: (value: unknown) => value is T, what: string) =>
    (name: string): T | undefined => {
      const found = raw(name)
      return found === undefined || is(found) ? found : refuse(name, `must be ${what}`)
    }
  const text = typed(isScalar, 'a text')
  const listed = typed((found): found is readonly unknown[] => Array.isArray(found), 'a list')
  return {
    path,
    raw,
    refuse,
    text: (name) => {
      const found = text(name)
      return found === undefined ? undefined : String(found)
    },
    number: typed((found): found is number => typeof found === 'number', 'a number'),
    flag: typed((found): found is boolean => typeof found === 'boolean', 'true or false'),
    map: (name) => {
      const found = raw(name)
      if (found === undefined) return undefined
      const inner = fieldsOf(found, `${path}.${name}`)
      const keys = Object.keys(found as object)
      return Object.assign(Object.create(null), ...keys.map((key) => ({ [key]: inner.text(key) ?? '' }))) as Record<string, string>
    },
    texts: (name) => listed(name)?.map((each, i) => (isScalar(each) ? String(each) : refuse(`${name}[${i}]`, 'must be a text'))),
    object: (name) => (raw(name) === undefined ? undefined : fieldsOf(raw(name), `${path}.${name}`)),
    list: (name) => (listed(name) ?? []).map((each, i) => fieldsOf(each, `${path}.${name}[${i}]`)),
    only: (...names) => {
      for (const name of Object.keys(held)) if (!names.includes(name)) refuse(name, `is not known; known are ${names.join(', ')}`)
    },
  }
}
