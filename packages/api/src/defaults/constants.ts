import defaultFacts from '../../facts/defaults.json' with { type: 'json' }
import { defaultGates, type Gates } from '../features/gates.ts'
import type { GateName } from '../features/known.ts'

interface DefaultRow {
  readonly path: string
  readonly value?: unknown
  readonly rule?: string
  readonly when?: string
  /** The step that sets it; absent or `marker`: decoding. */
  readonly by?: string
  readonly gate?: GateName
}

const rows = defaultFacts.types as unknown as Readonly<Record<string, readonly DefaultRow[]>>

/** A number that Go holds by value cannot tell 0 from absent, so "when 0" is "when absent" here. */
const always = (when: string | undefined): boolean => when === undefined || when === '0'
const isConstant = (row: DefaultRow, gates: Gates): boolean =>
  'value' in row &&
  always(row.when) &&
  (row.by === undefined || row.by === 'marker') &&
  (row.gate === undefined || gates[row.gate]) &&
  /^\w+$/.test(row.path)

type ConstantDefaults = (typeName: string) => ReadonlyMap<string, unknown> | undefined

/** Values that absent fields of a type get under these features, wherever the type occurs. The values are shared: nobody changes them. */
export const constantDefaultsUnder = (gates: Gates): ConstantDefaults => {
  const tables = new Map<string, ReadonlyMap<string, unknown>>()
  for (const [type, list] of Object.entries(rows)) {
    const constants = list.filter((row) => isConstant(row, gates))
    if (constants.length > 0) tables.set(type, new Map(constants.map((row) => [row.path, row.value])))
  }
  return (typeName) => tables.get(typeName)
}

/** The same with what 1.33 has on. */
export const constantDefaults: ConstantDefaults = constantDefaultsUnder(defaultGates)

/** An object of a type of which nothing was sent. */
export const emptyOf = <T>(typeName: string): T => Object.fromEntries(constantDefaults(typeName) ?? []) as T
