import { compareBytes } from '../json/value.ts'

/** One condition on one field. */
export interface FieldRequirement {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

export interface CompiledFieldSelector {
  readonly requirements: readonly FieldRequirement[]
  readonly empty: boolean
  /** Whether an object meets all requirements; `get` gives its value at a path, '' where there is none. */
  matches(get: (field: string) => string): boolean
  /** The value that `field` must have, where one is required. */
  exact(field: string): string | undefined
  toString(): string
}

const compiled = (requirements: readonly FieldRequirement[]): CompiledFieldSelector => ({
  requirements,
  empty: requirements.length === 0,
  matches: (get) => {
    for (const { field, operator, value } of requirements) if ((get(field) === value) !== (operator === '=')) return false
    return true
  },
  exact: (field) => requirements.find((each) => each.operator === '=' && each.field === field)?.value,
  toString: () => requirements.map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`).join(','),
})

export const everyField: CompiledFieldSelector = compiled([])

/**
 * Reads a field selector (`status.phase!=Running,spec.nodeName=a`); throws upstream's texts. A term of neither field nor value
 * says nothing. `allow` may refuse a field by throwing, or put another in its place.
 */
export const parseFieldSelector = (
  text: string,
  allow: (requirement: FieldRequirement) => FieldRequirement = (each) => each,
): CompiledFieldSelector => {
  const terms = splitTerms(text).sort(compareBytes)
  const requirements = terms.filter((term) => term !== '').map((term) => allow(requirement(term, text)))
  return compiled(requirements.filter(({ field, value }) => field !== '' || value !== ''))
}

/** The terms between commas that no backslash escapes. */
const splitTerms = (text: string): string[] => {
  const terms: string[] = []
  let from = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === ',') {
      terms.push(text.slice(from, at))
      from = at + 1
    }
  }
  terms.push(text.slice(from))
  return terms
}

const requirement = (term: string, whole: string): FieldRequirement => {
  const match = /!=|==|=/.exec(term)
  if (!match) throw new Error(`invalid selector: '${whole}'; can't understand '${term}'`)
  const [mark] = match
  return {
    field: term.slice(0, match.index),
    operator: mark === '!=' ? '!=' : '=',
    value: unescapeFieldValue(term.slice(match.index + mark.length)),
  }
}

export const escapeFieldValue = (value: string): string => value.replace(/[\\,=]/g, '\\$&')

const unescapeFieldValue = (text: string): string => {
  let value = ''
  const chars = [...text]
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string
    if (char === ',' || char === '=') throw new Error(`invalid field selector: unescaped character in value: ${char.codePointAt(0)}`)
    if (char !== '\\') {
      value += char
      continue
    }
    const next = chars[++at] ?? ''
    if (next !== '\\' && next !== ',' && next !== '=') throw new Error(`invalid field selector: invalid escape sequence: \\${next}`)
    value += next
  }
  return value
}
