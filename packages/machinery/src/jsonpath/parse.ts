import { goUnquote } from '../json/go-unquote.ts'

// The templates of kubectl's -o jsonpath: text with actions in braces. Grammar and texts are those of client-go.

export interface SliceBound {
  readonly known: boolean
  readonly value: number
  /** Made up for an index: [2] is [2:3]. */
  readonly derived?: boolean
}

export type PathNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly nodes: readonly PathNode[] }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'slice'; readonly bounds: readonly [SliceBound, SliceBound, SliceBound] }
  | { readonly kind: 'filter'; readonly left: PathList; readonly right: PathList; readonly operator: string }
  | { readonly kind: 'literal'; readonly value: number | boolean }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'recursive' }
  | { readonly kind: 'union'; readonly lists: readonly PathList[] }
  | { readonly kind: 'identifier'; readonly name: string }
export type PathList = Extract<PathNode, { kind: 'list' }>

interface Parser {
  readonly input: string
  at: number
}

/** Reads a template; throws client-go's texts. */
export const parseJsonPath = (template: string): readonly PathNode[] => {
  const parser: Parser = { input: template, at: 0 }
  const nodes: PathNode[] = []
  while (parser.at < template.length) {
    const brace = template.indexOf('{', parser.at)
    const end = brace < 0 ? template.length : brace
    if (end > parser.at) nodes.push({ kind: 'text', text: template.slice(parser.at, end) })
    parser.at = end
    if (brace >= 0) {
      parser.at++
      nodes.push(readAction(parser))
    }
  }
  return nodes
}

const parseAction = (text: string): PathList => {
  const [first] = parseJsonPath(`{${text}}`)
  return first as PathList
}

/** Reads up to and with the closing brace. */
const readAction = (parser: Parser): PathList => {
  const nodes: PathNode[] = []
  const { input } = parser
  for (;;) {
    if (input.startsWith('}', parser.at)) {
      parser.at++
      return { kind: 'list', nodes }
    }
    if (input.startsWith('[?(', parser.at)) nodes.push(readFilter(parser))
    else if (input.startsWith('..', parser.at)) readRecursive(parser, nodes)
    else readOther(parser, nodes)
  }
}

const readOther = (parser: Parser, nodes: PathNode[]): void => {
  const char = charAt(parser)
  if (char === '' || char === '\n' || char === '\r') throw new Error('unclosed action')
  if (char === ' ' || char === '@' || char === '$') parser.at++
  else if (char === '[') nodes.push(...readBrackets(parser))
  else if (char === '"' || char === "'") nodes.push({ kind: 'text', text: readQuoted(parser, char) })
  else if (char === '.') {
    parser.at++
    nodes.push(readField(parser))
  } else if (char === '+' || char === '-' || /\p{Nd}/u.test(char)) nodes.push(readNumber(parser))
  else if (/[_\p{L}\p{Nd}]/u.test(char)) nodes.push(readIdentifier(parser))
  else throw new Error(`unrecognized character in action: ${unicodeName(char)}`)
}

const charAt = ({ input, at }: Parser): string => {
  const code = input.codePointAt(at)
  return code === undefined ? '' : String.fromCodePoint(code)
}

const unicodeName = (char: string): string => `U+${(char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')} '${char}'`

const terminators = ' \t\r\n.,[]$@{}'

const readRecursive = (parser: Parser, nodes: PathNode[]): void => {
  if (nodes.at(-1)?.kind === 'recursive') throw new Error('invalid multiple recursive descent')
  parser.at += 2
  nodes.push({ kind: 'recursive' })
  if (/[_\p{L}\p{Nd}]/u.test(charAt(parser))) nodes.push(readField(parser))
}

/** A name up to the next terminator that no backslash escapes. */
const readField = (parser: Parser): PathNode => {
  const from = parser.at
  while (parser.at < parser.input.length && !terminators.includes(parser.input[parser.at] as string))
    parser.at += parser.input[parser.at] === '\\' ? 2 : 1
  parser.at = Math.min(parser.at, parser.input.length)
  const name = parser.input.slice(from, parser.at)
  return name === '*' ? { kind: 'wildcard' } : { kind: 'field', name: name.replaceAll('\\', '') }
}

const readIdentifier = (parser: Parser): PathNode => {
  const from = parser.at
  while (parser.at < parser.input.length && !terminators.includes(parser.input[parser.at] as string)) parser.at++
  const name = parser.input.slice(from, parser.at)
  return name === 'true' || name === 'false' ? { kind: 'literal', value: name === 'true' } : { kind: 'identifier', name }
}

const readNumber = (parser: Parser): PathNode => {
  const [text] = /^[+-]?[\d.]*/.exec(parser.input.slice(parser.at)) as unknown as [string]
  parser.at += text.length
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text)) throw new Error(`cannot parse number ${text}`)
  return { kind: 'literal', value: Number(text) }
}

const readQuoted = (parser: Parser, quote: string): string => {
  const from = parser.at++
  for (; ; parser.at++) {
    const char = parser.input[parser.at]
    if (char === undefined || char === '\n') throw new Error('unterminated quoted string')
    if (char === quote && parser.input[parser.at - 1] !== '\\') break
  }
  parser.at++
  return unquote(parser.input.slice(from, parser.at))
}

/** Go's escapes, in either sort of quotes. */
const unquote = (source: string): string => {
  try {
    return goUnquote(source)
  } catch (error) {
    throw new Error(`unquote string ${source} error ${(error as Error).message}`)
  }
}

const readBrackets = (parser: Parser): readonly PathNode[] => {
  const from = parser.at + 1
  const end = parser.input.indexOf(']', from)
  const line = parser.input.indexOf('\n', from)
  if (end < 0 || (line >= 0 && line < end)) throw new Error('unterminated array')
  parser.at = end + 1
  const inside = parser.input.slice(from, end)
  const text = inside === '*' ? ':' : inside
  const parts = text.split(',')
  if (parts.length > 1) return [{ kind: 'union', lists: parts.map((part) => parseAction(`[${part.replace(/^ +| +$/g, '')}]`)) }]
  const key = /^'([^']*)'$/.exec(text)
  return key ? parseAction(`.${key[1]}`).nodes : [readSlice(text)]
}

const readSlice = (text: string): PathNode => {
  const match = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/.exec(text)
  if (!match) throw new Error(`invalid array index ${text}`)
  const bound = (part: string | undefined): SliceBound => {
    const digits = part?.replace(':', '') ?? ''
    if (digits === '-') throw new Error(`array index ${digits} is not a number`)
    return digits === '' ? { known: false, value: 0 } : { known: true, value: Number(digits) }
  }
  const first = bound(match[1])
  const second = match[2] === undefined ? { known: true, value: first.value + 1, derived: true } : bound(match[2])
  return { kind: 'slice', bounds: [first, second, bound(match[3])] }
}

const readFilter = (parser: Parser): PathNode => {
  parser.at += 3
  const from = parser.at
  let quote = ''
  let closed = false
  for (; ; parser.at++) {
    const char = parser.input[parser.at]
    if (char === undefined || char === '\n') throw new Error('unterminated filter')
    if (char === '"' || char === "'") {
      if (quote === '') quote = char
      else if (char === quote && parser.input[parser.at - 1] !== '\\') closed = true
    } else if (char === ')' && (quote !== '') === closed) break
  }
  const text = parser.input.slice(from, parser.at)
  if (parser.input[++parser.at] !== ']') throw new Error('unclosed array expect ]')
  parser.at++
  const match = /^([^!<>=]+)([!<>=]+)(.+)$/.exec(text)
  if (!match) return { kind: 'filter', left: parseAction(text), right: { kind: 'list', nodes: [] }, operator: 'exists' }
  return { kind: 'filter', left: parseAction(match[1] as string), right: parseAction(match[3] as string), operator: match[2] as string }
}

/** The forms that kubectl takes for a path (`a.b`, `.a.b`, `{a.b}`, `{.a.b}`), as a template. */
export const relaxJsonPath = (expression: string): string => {
  if (expression === '') return expression
  const match = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(expression)
  if (!match) throw new Error("unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'")
  return `{.${match[1] ?? match[2]}}`
}
