import { CelError, type CelValue, isMap, isTagged, noOverload } from './value.ts'

/** An optional that holds nothing. */
export const missing: CelValue = { is: 'optional', value: undefined }

/** A field of a map, or of what an optional holds. */
export const select = (of: CelValue, field: string, optional: boolean): CelValue => {
  if (isTagged(of, 'optional')) return of.value === undefined ? missing : select(of.value, field, true)
  if (isTagged(of, 'authorizer') && field === 'requestResource' && of.requestResource) return of.requestResource
  if (!isMap(of)) return noOverload()
  const value = of.get(field) ?? of.get(unescapedField(field))
  if (optional) return { is: 'optional', value }
  if (value === undefined) throw new CelError(`no such key: ${field}`)
  return value
}

const escapes: readonly (readonly [RegExp, string])[] = [
  [/__underscores__/g, '__'],
  [/__dot__/g, '.'],
  [/__dash__/g, '-'],
  [/__slash__/g, '/'],
]

/** A property's name as an expression has to write it, back in its own form. */
const unescapedField = (field: string): string => {
  if (!field.includes('__')) return field
  const word = /^__(\w+)__$/.exec(field)?.[1]
  if (word && !['underscores', 'dot', 'dash', 'slash'].includes(word) && !word.includes('__')) return word
  return escapes.reduce((text, [pattern, plain]) => text.replace(pattern, plain), field)
}
