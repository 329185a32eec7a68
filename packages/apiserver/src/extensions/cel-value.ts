import { isEmbedded, isIntOrString, itemsOf, keepsUnknown, propertyOf, type Structural, valuesOf } from '@skiff/api'
import { type CelValue, celOf, isJsonArray, isJsonObject, type Json } from '@skiff/machinery'

/** A value as rules see it: numbers by their type, dates and durations as such; fields that the schema does not know stay hidden. */
export const celValue = (schema: Structural, value: Json): CelValue => {
  if (value === null) return null
  if (isIntOrString(schema)) return celOf(value)
  switch (schema.type) {
    case 'object':
      return isJsonObject(value) ? objectValue(schema, value) : celOf(value)
    case 'array': {
      const items = itemsOf(schema)
      return isJsonArray(value) ? value.map((item) => (items ? celValue(items, item) : celOf(item))) : celOf(value)
    }
    case 'integer':
      return typeof value === 'number' ? BigInt(Math.trunc(value)) : celOf(value)
    case 'number':
      return typeof value === 'bigint' ? Number(value) : (value as number)
    case 'string':
      return typeof value === 'string' ? textValue(schema.format, value) : celOf(value)
    default:
      return celOf(value)
  }
}

const objectValue = (schema: Structural, value: { readonly [key: string]: Json }): CelValue => {
  const values = valuesOf(schema)
  const open = keepsUnknown(schema) || values === true
  const entries: [string, CelValue][] = []
  for (const name of Object.keys(value)) {
    const inner = propertyOf(schema, name) ?? (typeof values === 'object' ? values : undefined)
    if (inner) entries.push([name, celValue(inner, value[name] as Json)])
    else if (open || isEmbedded(schema)) entries.push([name, celOf(value[name])])
  }
  return new Map(entries)
}

const textValue = (format: string | undefined, text: string): CelValue => {
  switch (format) {
    case 'byte':
      return Uint8Array.from(Buffer.from(text, 'base64'))
    case 'date':
    case 'date-time': {
      const ms = Date.parse(text)
      return Number.isNaN(ms) ? text : { is: 'timestamp', nanos: BigInt(ms) * 1_000_000n }
    }
    default:
      return text
  }
}
