import { compareQuantities, compileJsonPath, goText, type Json, type JsonObject, parseQuantity, relaxJsonPath } from '@skiff/machinery'
import { at, mapAt, textAt } from '../objects/fields.ts'
import { alignRows } from './tab-writer.ts'

/** meta.k8s.io/v1 Table. */
export interface Table {
  readonly kind: string
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
  readonly columnDefinitions: readonly { readonly name: string; readonly priority?: number }[]
  readonly rows: readonly TableRow[]
}
export interface TableRow {
  readonly cells: readonly Json[]
  /** The object, or its metadata. */
  readonly object?: JsonObject
}

export interface TableOptions {
  readonly wide: boolean
  readonly headers: boolean
  readonly namespaces: boolean
  readonly showLabels: boolean
  readonly labelColumns: readonly string[]
  /** `pod` of `pod/a`, where names are to carry it. */
  readonly kindPrefix: string | undefined
  /** A first column of the events' types. */
  readonly eventTypes?: readonly string[]
}

/** Later tables of a watch say null for the columns. */
export const isTable = (value: unknown): value is Table =>
  (value as { kind?: unknown } | undefined)?.kind === 'Table' && 'columnDefinitions' in (value as object)

const oneLine = (text: string): string => text.replaceAll('\n', '\\n')

const labelsText = (row: TableRow): string => {
  const labels = Object.entries(mapAt(row.object, 'metadata.labels'))
  return labels.length === 0
    ? '<none>'
    : labels
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => `${key}=${value}`)
        .join(',')
}

/** The last part of a label's key, in capitals. */
const labelHeader = (key: string): string => (key.split('/').at(-1) as string).toUpperCase()

/** The lines of a table as kubectl prints it. `widths` keeps columns' widths between calls. */
export const printTable = (table: Table, options: TableOptions, widths: number[] = []): string => {
  const shown = table.columnDefinitions.map(({ priority }) => options.wide || (priority ?? 0) === 0)
  const nameAt = table.columnDefinitions.findIndex(({ name }) => name.toLowerCase() === 'name')
  const header = [
    ...(options.eventTypes ? ['EVENT'] : []),
    ...(options.namespaces ? ['NAMESPACE'] : []),
    ...table.columnDefinitions.filter((_, i) => shown[i]).map(({ name }) => name.toUpperCase()),
    ...options.labelColumns.map(labelHeader),
    ...(options.showLabels ? ['LABELS'] : []),
  ]
  const rows = table.rows.map((row, index) => [
    ...(options.eventTypes ? [options.eventTypes[index] ?? ''] : []),
    ...(options.namespaces ? [textAt(row.object, 'metadata.namespace')] : []),
    ...row.cells.flatMap((cell, i) => {
      if (!shown[i]) return []
      const text = oneLine(cell === null || cell === undefined ? '<none>' : typeof cell === 'string' ? cell : goText(cell))
      return [i === nameAt && options.kindPrefix ? `${options.kindPrefix}/${text}` : text]
    }),
    ...options.labelColumns.map((key) => textAt(row.object, ['metadata', 'labels', key])),
    ...(options.showLabels ? [labelsText(row)] : []),
  ])
  return alignRows(options.headers ? [header, ...rows] : rows, widths)
}

const quantity = (text: string) => {
  try {
    return parseQuantity(text)
  } catch {
    return undefined
  }
}

/** Compares values as --sort-by does: numbers, quantities, then texts; what is missing comes first. */
const compareFound = (a: Json | undefined, b: Json | undefined): number => {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [String(a), String(b)]
  const [x, y] = [quantity(left), quantity(right)]
  if (x && y) return compareQuantities(x, y)
  return left < right ? -1 : left > right ? 1 : 0
}

/** Sorts by a JSONPath, stably. `objectOf` gives what the path looks at. */
export const sortedByPath = <T>(items: readonly T[], path: string, objectOf: (item: T) => JsonObject): T[] => {
  const compiled = compileJsonPath(relaxJsonPath(path), { allowMissingKeys: true })
  const keyed = items.map((item) => ({ item, key: compiled.find(objectOf(item)).flat()[0] }))
  return keyed.sort((a, b) => compareFound(a.key, b.key)).map(({ item }) => item)
}

/** A table of names and ages for answers that are none. */
export const plainTable = (objects: readonly JsonObject[], ageOf: (object: JsonObject) => string): Table => ({
  kind: 'Table',
  columnDefinitions: [{ name: 'Name' }, { name: 'Age' }],
  rows: objects.map((object) => ({ cells: [textAt(object, 'metadata.name'), ageOf(object)], object })),
})

export const versionOf = (table: Table): string => textAt(at(table as unknown as JsonObject, 'metadata'), 'resourceVersion')
