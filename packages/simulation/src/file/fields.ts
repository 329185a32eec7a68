type Segment = string | number

/** What is wrong with a simulation file: where, and a sentence. */
export class FileError extends Error {
  /** The path of what is wrong within its document. */
  readonly at: readonly Segment[] | undefined

  constructor(message: string, at?: readonly Segment[]) {
    super(message)
    this.at = at
  }
}

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
  /** What `act` makes of the field `name`; what it throws is refused. */
  reading<T>(name: string, act: () => T): T
  /** The same map, as though this field were not there. */
  without(name: string): Fields
  /** Throws for a field that is none of these. */
  only(...names: readonly string[]): void
}

const isScalar = (value: unknown): value is string | number | boolean | bigint =>
  ['string', 'number', 'boolean', 'bigint'].includes(typeof value)

/** `path` is that of the map itself: `document 2 (Stage pod-ready): spec`; `at` the same within the document. */
export const fieldsOf = (value: unknown, path: string, at: readonly Segment[] = []): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FileError(`${path} must be a map`, at)
  const held = value as Readonly<Record<string, unknown>>
  const raw = (name: string): unknown => (Object.hasOwn(held, name) ? (held[name] ?? undefined) : undefined)
  const refuse = (name: string, why: string): never => {
    throw new FileError(`${path}.${name}${why.startsWith(':') ? '' : ' '}${why}`, [...at, ...segmentsOf(held, name)])
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
      const inner = fieldsOf(found, `${path}.${name}`, [...at, name])
      const keys = Object.keys(found as object)
      return Object.assign(Object.create(null), ...keys.map((key) => ({ [key]: inner.text(key) ?? '' }))) as Record<string, string>
    },
    texts: (name) => listed(name)?.map((each, i) => (isScalar(each) ? String(each) : refuse(`${name}[${i}]`, 'must be a text'))),
    object: (name) => (raw(name) === undefined ? undefined : fieldsOf(raw(name), `${path}.${name}`, [...at, name])),
    list: (name) => (listed(name) ?? []).map((each, i) => fieldsOf(each, `${path}.${name}[${i}]`, [...at, name, i])),
    reading: (name, act) => {
      try {
        return act()
      } catch (error) {
        if (error instanceof FileError) throw error
        return refuse(name, `: ${(error as Error).message}`)
      }
    },
    without: (name) => fieldsOf(Object.fromEntries(Object.entries(held).filter(([key]) => key !== name)), path, at),
    only: (...names) => {
      for (const name of Object.keys(held)) if (!names.includes(name)) refuse(name, `is not known; known are ${names.join(', ')}`)
    },
  }
}

/** A name may be that of something within: `ports[0]`, `capacity.cpu`. */
const segmentsOf = (held: Readonly<Record<string, unknown>>, name: string): readonly Segment[] => {
  if (Object.hasOwn(held, name)) return [name]
  const [, first = name, index, rest] = /^([^.[]+)(?:\[(\d+)\])?(?:\.(.*))?$/.exec(name) ?? []
  return [first, ...(index === undefined ? [] : [Number(index)]), ...(rest === undefined ? [] : [rest])]
}
