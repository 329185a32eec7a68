import { compileJsonPath, encodeJson, humanDuration, type Json, parseTimeMs, relaxJsonPath } from '@skiff/machinery'
import type { CustomResourceColumnDefinition } from '../generated/types.ts'
import type { Cell, Column } from './column.ts'
import { columnsOf } from './columns.ts'

const ageColumn: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'When the object was created on the server.',
}

/** The columns of a custom kind: its name, then what its definition lists, or its age. */
export const customColumns = (definitions: readonly CustomResourceColumnDefinition[] | undefined): readonly Column[] => [
  ...columnsOf('', 'Binding').slice(0, 1),
  ...(definitions?.length ? definitions : [ageColumn]).map((each) => ({
    name: each.name,
    type: each.type,
    format: each.format ?? '',
    description: each.description || `Custom resource definition column (in JSONPath format): ${each.jsonPath}`,
    priority: each.priority ?? 0,
    cell: customCell(each),
  })),
]

const customCell = ({ jsonPath, type }: CustomResourceColumnDefinition): Cell => {
  const path = compileJsonPath(relaxJsonPath(jsonPath), { allowMissingKeys: true })
  return (object, nowMs) => {
    try {
      const first = path.find(object as unknown as Json)[0]?.[0]
      return first === undefined || first === null ? null : shown(first, type, nowMs)
    } catch {
      return null
    }
  }
}

/** A value of another type than the column's shows nothing. */
const shown = (value: Json, type: string, nowMs: number): unknown => {
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : typeof value === 'bigint' ? value : null
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? ageOf(value, nowMs) : null
    default:
      return typeof value === 'string' ? value : encodeJson(value)
  }
}

const ageOf = (text: string, nowMs: number): string => {
  try {
    return humanDuration(nowMs - parseTimeMs(text))
  } catch {
    return '<invalid>'
  }
}
