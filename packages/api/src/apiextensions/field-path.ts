import { propertyOf, type Structural, valuesOf } from './values/structural.ts'

export interface FieldPath {
  /** As errors show it: a.b[key]. */
  readonly text: string
  /** Its first name. */
  readonly root: string
  /** The schema at its end. */
  readonly schema: Structural
}

const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', "'": "'", '\\': '\\' }

/** `.`, `[`, `]` by themselves; all else, quoted texts whole, between them. */
const tokensOf = (path: string): readonly string[] => path.match(/'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]']+|'.*/gs) ?? []

/** A path of names and map keys, as fieldPath of a rule and jsonPath of a selectable field have it, or why it is none. */
export const readFieldPath = (path: string, from: Structural, withBrackets = true): FieldPath | string => {
  const tokens = tokensOf(path)
  let text = ''
  let root = ''
  let schema: Structural = from
  let at = 0
  while (at < tokens.length) {
    const mark = tokens[at++] as string
    if (mark !== '.' && mark !== '[') return `expected [ or . but got: ${mark}`
    if (mark === '[' && !withBrackets) return 'array notation is not allowed'
    const token = tokens[at++]
    if (token === undefined) return 'unexpected end of JSON path'
    const name = mark === '.' ? { name: token } : quotedName(token)
    if (typeof name === 'string') return name
    const values = valuesOf(schema)
    const next = schema.properties ? propertyOf(schema, name.name) : typeof values === 'object' ? values : undefined
    if (next === undefined) return 'does not refer to a valid field'
    text = schema.properties ? (text === '' ? name.name : `${text}.${name.name}`) : `${text}[${name.name}]`
    root ||= name.name
    schema = next
    if (mark === '.') continue
    const end = tokens[at++]
    if (end === undefined) return 'unexpected end of JSON path'
    if (end !== ']') return `expected ] but got ${end}`
  }
  return { text, root, schema }
}

const quotedName = (token: string): { readonly name: string } | string => {
  if (token.length < 2 || !token.startsWith("'") || !token.endsWith("'")) return `expected single quoted string but got ${token}`
  let fault = ''
  const name = token.slice(1, -1).replace(/\\(.)/gs, (all, letter: string) => {
    const plain = escapes[letter]
    if (plain === undefined) fault = `invalid string literal: invalid escape char ${all}`
    return plain ?? ''
  })
  return fault || { name }
}
