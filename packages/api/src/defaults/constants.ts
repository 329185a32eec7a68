import defaultFacts from '../../facts/defaults.json' with { type: 'json' }

interface DefaultRow {
  readonly path: string
  readonly value?: unknown
  readonly rule?: string
  readonly when?: string
  /** The step that sets it; absent or `marker`: decoding. */
  readonly by?: string
  readonly gate?: string
  readonly off?: boolean
}

const rows = defaultFacts.types as unknown as Readonly<Record<string, readonly DefaultRow[]>>

/** A number that Go holds by value cannot tell 0 from absent, so "when 0" is "when absent" here. */
const always = (when: string | undefined): boolean => when === undefined || when === '0'
const isConstant = (row: DefaultRow): boolean =>
  'value' in row && always(row.when) && (row.by === undefined || row.by === 'marker') && row.off !== true && /^\w+$/.test(row.path)

const tables = new Map<string, ReadonlyMap<string, unknown>>()
for (const [type, list] of Object.entries(rows)) {
  const constants = list.filter(isConstant)
  if (constants.length > 0) tables.set(type, new Map(constants.map((row) => [row.path, row.value])))
}

/** Values that absent fields of a type get, wherever the type occurs. The values are shared: nobody changes them. */
export const constantDefaults = (typeName: string): ReadonlyMap<string, unknown> | undefined => tables.get(typeName)

/** An object of a type of which nothing was sent. */
export const emptyOf = <T>(typeName: string): T => Object.fromEntries(constantDefaults(typeName) ?? []) as T
