import { goUnquote } from '../json/go-unquote.ts'
import { lexTemplate, TemplateSyntaxError, type Token } from './lex.ts'

// The tree of a template. Every operand knows its source, for complaints.

export interface Operand {
  readonly at: number
  readonly source: string
  readonly of:
    | { readonly kind: 'dot' }
    | { readonly kind: 'nil' }
    | { readonly kind: 'field'; readonly names: readonly string[] }
    | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] }
    | { readonly kind: 'literal'; readonly value: string | number | bigint | boolean }
    | { readonly kind: 'function'; readonly name: string }
    | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly names: readonly string[] }
}
export interface Pipe {
  readonly variables: readonly string[]
  /** `=` to variables that exist, not `:=`. */
  readonly assigns: boolean
  readonly commands: readonly (readonly Operand[])[]
}
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | { readonly kind: 'if' | 'with' | 'range'; readonly pipe: Pipe; readonly body: readonly Node[]; readonly otherwise: readonly Node[] }
  | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined; readonly at: number }
  | { readonly kind: 'break' | 'continue' }

export interface Template {
  readonly source: string
  readonly root: readonly Node[]
  readonly defined: ReadonlyMap<string, readonly Node[]>
}

interface Parser {
  readonly source: string
  readonly tokens: readonly Token[]
  at: number
  readonly defined: Map<string, readonly Node[]>
  readonly functions: ReadonlySet<string>
  variables: string[]
  loops: number
}

/** Reads a template; throws errors whose `at` is the place. */
export const parseTemplate = (source: string, functions: ReadonlySet<string>): Template => {
  const parser: Parser = { source, tokens: lexTemplate(source), at: 0, defined: new Map(), functions, variables: ['$'], loops: 0 }
  const { nodes, stop } = list(parser)
  if (stop) throw new TemplateSyntaxError(parser.tokens[parser.at - 1]?.at ?? 0, `unexpected {{${stop}}}`)
  return { source, root: nodes, defined: parser.defined }
}

const peek = (parser: Parser): Token | undefined => parser.tokens[parser.at]
const next = (parser: Parser): Token => {
  const token = parser.tokens[parser.at++]
  if (!token) throw new TemplateSyntaxError(parser.source.length, 'unexpected EOF')
  return token
}
const isPunct = (token: Token | undefined, text: string): boolean => token?.kind === 'punct' && token.text === text
const shownToken = (token: Token): string => (token.kind === 'close' ? '"}}"' : `<${token.text}>`)
const expectClose = (parser: Parser, context: string): void => {
  const token = next(parser)
  if (token.kind !== 'close') throw new TemplateSyntaxError(token.at, `unexpected ${shownToken(token)} in ${context}`)
}

/** Nodes up to `{{end}}` or `{{else}}`, which is consumed but for what follows `else`. */
const list = (parser: Parser): { nodes: Node[]; stop?: 'end' | 'else' } => {
  const nodes: Node[] = []
  for (;;) {
    const token = peek(parser)
    if (!token) return { nodes }
    parser.at++
    if (token.kind === 'text') {
      nodes.push({ kind: 'text', text: token.text })
      continue
    }
    const word = peek(parser)
    if (word?.kind === 'word' && (word.text === 'end' || word.text === 'else')) {
      parser.at++
      if (word.text === 'end') expectClose(parser, 'end')
      return { nodes, stop: word.text }
    }
    const node = action(parser)
    if (node) nodes.push(node)
  }
}

const action = (parser: Parser): Node | undefined => {
  const word = peek(parser)
  const name = word?.kind === 'word' ? word.text : ''
  switch (name) {
    case 'if':
    case 'with':
    case 'range':
      parser.at++
      return control(parser, name)
    case 'define':
    case 'block':
    case 'template':
      parser.at++
      return named(parser, name)
    case 'break':
    case 'continue':
      parser.at++
      if (parser.loops === 0) throw new TemplateSyntaxError(word?.at ?? 0, `{{${name}}} outside {{range}}`)
      expectClose(parser, name)
      return { kind: name }
    default: {
      const pipe = pipeline(parser, 'command')
      expectClose(parser, 'command')
      return { kind: 'action', pipe }
    }
  }
}

const control = (parser: Parser, kind: 'if' | 'with' | 'range'): Node => {
  const scope = [...parser.variables]
  const pipe = pipeline(parser, kind)
  expectClose(parser, kind)
  if (kind === 'range') parser.loops++
  const body = list(parser)
  if (kind === 'range') parser.loops--
  const otherwise = body.stop === 'else' ? elseBranch(parser, kind) : []
  if (!body.stop) throw new TemplateSyntaxError(parser.source.length, 'unexpected EOF')
  parser.variables = scope
  return { kind, pipe, body: body.nodes, otherwise }
}

const elseBranch = (parser: Parser, kind: string): readonly Node[] => {
  const chained = peek(parser)
  if (chained?.kind === 'word' && chained.text === kind && (kind === 'if' || kind === 'with')) {
    parser.at++
    return [control(parser, kind)]
  }
  expectClose(parser, 'else')
  const { nodes, stop } = list(parser)
  if (stop !== 'end') throw new TemplateSyntaxError(parser.source.length, stop ? 'expected end; found {{else}}' : 'unexpected EOF')
  return nodes
}

const named = (parser: Parser, kind: 'define' | 'block' | 'template'): Node | undefined => {
  const token = next(parser)
  if (token.kind !== 'string') throw new TemplateSyntaxError(token.at, `unexpected ${shownToken(token)} in ${kind} clause`)
  const name = goUnquote(token.text)
  const pipe = peek(parser)?.kind === 'close' ? undefined : pipeline(parser, kind)
  expectClose(parser, kind)
  if (kind !== 'template') {
    const { nodes, stop } = list(parser)
    if (stop !== 'end') throw new TemplateSyntaxError(parser.source.length, 'unexpected EOF')
    parser.defined.set(name, nodes)
  }
  return kind === 'define' ? undefined : { kind: 'template', name, pipe, at: token.at }
}

const pipeline = (parser: Parser, context: string): Pipe => {
  const { variables, assigns } = declaration(parser, context)
  const commands: Operand[][] = []
  for (;;) {
    commands.push(command(parser, context))
    if (!isPunct(peek(parser), '|')) break
    parser.at++
  }
  if (!assigns) parser.variables.push(...variables)
  return { variables, assigns, commands }
}

const declaration = (parser: Parser, context: string): { variables: string[]; assigns: boolean } => {
  const start = parser.at
  const variables: string[] = []
  while (peek(parser)?.kind === 'variable') {
    variables.push(next(parser).text)
    if (variables.length > 2) throw new TemplateSyntaxError(parser.tokens[start]?.at ?? 0, `too many declarations in ${context}`)
    const mark = peek(parser)
    if (isPunct(mark, ':=') || isPunct(mark, '=')) {
      parser.at++
      return { variables, assigns: mark?.text === '=' }
    }
    if (!isPunct(mark, ',') || context !== 'range') break
    parser.at++
  }
  parser.at = start
  return { variables: [], assigns: false }
}

const command = (parser: Parser, context: string): Operand[] => {
  const operands: Operand[] = []
  for (;;) {
    const token = peek(parser)
    if (!token || token.kind === 'close' || isPunct(token, '|') || isPunct(token, ')')) break
    if (operands.length > 0 && !token.spaced && (token.kind !== 'punct' || token.text === '.') && token.kind !== 'string')
      throw new TemplateSyntaxError(token.at, `unexpected ${shownToken(token)} in operand`)
    operands.push(operand(parser))
  }
  if (operands.length === 0) {
    const found = peek(parser)
    throw new TemplateSyntaxError(found?.at ?? 0, found?.kind === 'close' ? `missing value for ${context}` : 'empty command')
  }
  return operands
}

const operand = (parser: Parser): Operand => {
  const token = next(parser)
  const base = term(parser, token)
  const names: string[] = []
  let { at } = token
  for (let field = peek(parser); field?.kind === 'field' && !field.spaced; field = peek(parser)) {
    if (names.length === 0) at = field.at
    names.push(field.text.slice(1))
    parser.at++
  }
  const last = parser.tokens[parser.at - 1] as Token
  const source = parser.source.slice(token.at, last.at + last.text.length)
  if (names.length === 0) return { at, source, of: base }
  if (base.kind === 'field' || base.kind === 'variable' || base.kind === 'pipe')
    return { at, source, of: { ...base, names: [...base.names, ...names] } }
  if (base.kind === 'dot') return { at, source, of: { kind: 'field', names } }
  throw new TemplateSyntaxError(at, `unexpected . after term ${JSON.stringify(token.text)}`)
}

const term = (parser: Parser, token: Token): Operand['of'] => {
  const { text } = token
  switch (token.kind) {
    case 'field':
      return { kind: 'field', names: [text.slice(1)] }
    case 'variable':
      if (!parser.variables.includes(text)) throw new TemplateSyntaxError(token.at, `undefined variable ${JSON.stringify(text)}`)
      return { kind: 'variable', name: text, names: [] }
    case 'string':
      return { kind: 'literal', value: text.startsWith('`') ? text.slice(1, -1) : goUnquote(text) }
    case 'char':
      return { kind: 'literal', value: BigInt(goUnquote(text).codePointAt(0) ?? 0) }
    case 'number':
      return { kind: 'literal', value: numberOf(text) }
    case 'word':
      if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true' }
      if (text === 'nil') return { kind: 'nil' }
      if (!parser.functions.has(text)) throw new TemplateSyntaxError(token.at, `function ${JSON.stringify(text)} not defined`)
      return { kind: 'function', name: text }
    default:
      return punctuated(parser, token)
  }
}

const punctuated = (parser: Parser, token: Token): Operand['of'] => {
  if (isPunct(token, '.')) return { kind: 'dot' }
  if (!isPunct(token, '(')) throw new TemplateSyntaxError(token.at, `unexpected ${shownToken(token)} in operand`)
  const pipe = pipeline(parser, 'parenthesized pipeline')
  const close = next(parser)
  if (!isPunct(close, ')')) throw new TemplateSyntaxError(close.at, `unexpected ${shownToken(close)} in parenthesized pipeline`)
  return { kind: 'pipe', pipe, names: [] }
}

/** Go's integers are bigint here, its floats numbers. */
const numberOf = (source: string): number | bigint => {
  const text = source.replaceAll('_', '')
  if (/^[+-]?(\d+|0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+)$/.test(text)) {
    const size = BigInt(text.replace(/^[+-]/, '').replace(/^0(?=\d)/, '0o'))
    return text.startsWith('-') ? -size : size
  }
  return Number(text)
}
