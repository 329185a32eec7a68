import { type JqToken, lexJq } from './lex.ts'

/** The tree of a jq expression. */
export type Jq =
  | { readonly is: 'self' | 'recurse' }
  | { readonly is: 'literal'; readonly value: string | number | boolean | null }
  | { readonly is: 'variable'; readonly name: string }
  | { readonly is: 'field'; readonly of: Jq; readonly name: string }
  | { readonly is: 'index'; readonly of: Jq; readonly index: Jq }
  | { readonly is: 'slice'; readonly of: Jq; readonly from: Jq | undefined; readonly to: Jq | undefined }
  | { readonly is: 'each'; readonly of: Jq }
  | { readonly is: 'try'; readonly of: Jq; readonly otherwise: Jq | undefined }
  | { readonly is: 'pipe' | 'comma'; readonly left: Jq; readonly right: Jq }
  | { readonly is: 'binary'; readonly operator: string; readonly left: Jq; readonly right: Jq }
  | { readonly is: 'call'; readonly name: string; readonly args: readonly Jq[] }
  | { readonly is: 'if'; readonly test: Jq; readonly then: Jq; readonly otherwise: Jq }
  | { readonly is: 'list'; readonly of: Jq | undefined }
  | { readonly is: 'map'; readonly entries: readonly (readonly [key: Jq, value: Jq])[] }
  | { readonly is: 'text'; readonly parts: readonly Jq[]; readonly format: string }
  | { readonly is: 'as'; readonly of: Jq; readonly name: string; readonly body: Jq }
  | { readonly is: 'reduce'; readonly of: Jq; readonly name: string; readonly first: Jq; readonly next: Jq }

interface Parser {
  readonly source: string
  readonly tokens: readonly JqToken[]
  at: number
}

/** Reads an expression: all of jq but assignments, functions of one's own, paths as values, `label` and `foreach`. Throws a sentence. */
export const parseJq = (source: string): Jq => {
  const parser: Parser = { source, tokens: lexJq(source), at: 0 }
  const tree = pipe(parser)
  if (parser.at < parser.tokens.length) throw unexpected(parser)
  return tree
}

const unexpected = ({ source, tokens, at }: Parser): Error =>
  new Error(`expression ${JSON.stringify(source)}: unexpected ${tokens[at] ? JSON.stringify(tokens[at].text) : 'end'}`)

const sees = (parser: Parser, text: string, kind: JqToken['kind'] = 'punct'): boolean => {
  const token = parser.tokens[parser.at]
  return token?.kind === kind && token.text === text
}
const takes = (parser: Parser, text: string, kind: JqToken['kind'] = 'punct'): boolean => {
  const is = sees(parser, text, kind)
  if (is) parser.at += 1
  return is
}
const expect = (parser: Parser, text: string, kind: JqToken['kind'] = 'punct'): void => {
  if (!takes(parser, text, kind)) throw unexpected(parser)
}
const taken = (parser: Parser, kind: JqToken['kind']): JqToken => {
  const token = parser.tokens[parser.at]
  if (token?.kind !== kind) throw unexpected(parser)
  parser.at += 1
  return token
}

const pipe = (parser: Parser): Jq => {
  const left = comma(parser)
  if (takes(parser, 'as', 'word')) {
    const { text } = taken(parser, 'variable')
    expect(parser, '|')
    return { is: 'as', of: left, name: text, body: pipe(parser) }
  }
  return takes(parser, '|') ? { is: 'pipe', left, right: pipe(parser) } : left
}

const comma = (parser: Parser): Jq => {
  let left = binary(parser, 0)
  while (takes(parser, ',')) left = { is: 'comma', left, right: binary(parser, 0) }
  return left
}

/** From the loosest to the tightest. */
const levels: readonly (readonly string[])[] = [['//'], ['or'], ['and'], ['==', '!=', '<', '<=', '>', '>='], ['+', '-'], ['*', '/', '%']]

const binary = (parser: Parser, level: number): Jq => {
  const operators = levels[level]
  if (!operators) return postfix(parser)
  let left = binary(parser, level + 1)
  for (;;) {
    const token = parser.tokens[parser.at]
    if (!token || (token.kind !== 'punct' && token.kind !== 'word') || !operators.includes(token.text)) return left
    parser.at += 1
    left = { is: 'binary', operator: token.text, left, right: binary(parser, level + 1) }
  }
}

const postfix = (parser: Parser): Jq => {
  let of = term(parser)
  for (;;) {
    if (takes(parser, '?')) of = { is: 'try', of, otherwise: undefined }
    else if (sees(parser, '.') && isPath(parser.tokens[parser.at + 1])) {
      parser.at += 1
      of = step(parser, of)
    } else if (sees(parser, '[')) of = step(parser, of)
    else return of
  }
}

const isPath = (token: JqToken | undefined): boolean =>
  token !== undefined && (token.kind === 'word' || token.kind === 'string' || (token.kind === 'punct' && token.text === '['))

/** A name, a text, or what stands in brackets. */
const step = (parser: Parser, of: Jq): Jq => {
  if (takes(parser, '[')) return bracket(parser, of)
  const token = parser.tokens[parser.at]
  if (token?.kind === 'string') return { is: 'index', of, index: term(parser) }
  return { is: 'field', of, name: taken(parser, 'word').text }
}

const bracket = (parser: Parser, of: Jq): Jq => {
  if (takes(parser, ']')) return { is: 'each', of }
  const from = sees(parser, ':') ? undefined : pipe(parser)
  if (!takes(parser, ':')) {
    expect(parser, ']')
    return { is: 'index', of, index: from as Jq }
  }
  const to = sees(parser, ']') ? undefined : pipe(parser)
  expect(parser, ']')
  return { is: 'slice', of, from, to }
}

const constants: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
])

const term = (parser: Parser): Jq => {
  const token = parser.tokens[parser.at]
  if (!token) throw unexpected(parser)
  if (takes(parser, '..')) return { is: 'recurse' }
  if (takes(parser, '.')) return isPath(parser.tokens[parser.at]) ? step(parser, { is: 'self' }) : { is: 'self' }
  if (takes(parser, '(')) return closed(parser, ')')
  if (takes(parser, '[')) return takes(parser, ']') ? { is: 'list', of: undefined } : { is: 'list', of: closed(parser, ']') }
  if (takes(parser, '{')) return mapping(parser)
  if (takes(parser, '-')) return { is: 'binary', operator: '-', left: { is: 'literal', value: 0 }, right: postfix(parser) }
  if (token.kind === 'punct') throw unexpected(parser)
  parser.at += 1
  switch (token.kind) {
    case 'string':
      return textOf(token, 'text')
    case 'number':
      return { is: 'literal', value: Number(token.text) }
    case 'variable':
      return { is: 'variable', name: token.text }
    case 'format':
      return parser.tokens[parser.at]?.kind === 'string'
        ? textOf(taken(parser, 'string'), token.text)
        : { is: 'text', parts: [{ is: 'self' }], format: token.text }
    default:
      return named(parser, token.text)
  }
}

const closed = (parser: Parser, by: string): Jq => {
  const inner = pipe(parser)
  expect(parser, by)
  return inner
}

/** A text with expressions in it is a list of parts, of which those that are no literals are formatted. */
const textOf = ({ parts = [] }: JqToken, format: string): Jq => {
  const all = parts.map(
    (part): Jq => (typeof part === 'string' ? { is: 'literal', value: part } : { is: 'list', of: parseJq(part.source) }),
  )
  const [only] = all
  if (all.length === 0) return { is: 'literal', value: '' }
  return all.length === 1 && only?.is === 'literal' ? only : { is: 'text', parts: all, format }
}

const named = (parser: Parser, name: string): Jq => {
  const constant = constants.get(name)
  if (constant !== undefined) return { is: 'literal', value: constant }
  switch (name) {
    case 'if':
      return condition(parser)
    case 'try': {
      const of = postfix(parser)
      return { is: 'try', of, otherwise: takes(parser, 'catch', 'word') ? postfix(parser) : undefined }
    }
    case 'reduce': {
      const of = postfix(parser)
      expect(parser, 'as', 'word')
      const variable = taken(parser, 'variable').text
      expect(parser, '(')
      const first = pipe(parser)
      expect(parser, ';')
      return { is: 'reduce', of, name: variable, first, next: closed(parser, ')') }
    }
    default:
      return { is: 'call', name, args: takes(parser, '(') ? callArguments(parser) : [] }
  }
}

const callArguments = (parser: Parser): Jq[] => {
  const args = [pipe(parser)]
  while (takes(parser, ';')) args.push(pipe(parser))
  expect(parser, ')')
  return args
}

const condition = (parser: Parser): Jq => {
  const test = pipe(parser)
  expect(parser, 'then', 'word')
  const then = pipe(parser)
  if (takes(parser, 'elif', 'word')) return ifOf(test, then, condition(parser))
  const otherwise = takes(parser, 'else', 'word') ? pipe(parser) : ({ is: 'self' } as const)
  expect(parser, 'end', 'word')
  return ifOf(test, then, otherwise)
}
const ifOf = (test: Jq, then: Jq, otherwise: Jq): Jq => ({ is: 'if', test, then, otherwise })

/** `{a, "b": 1, $c, (.d): 2}`. */
const mapping = (parser: Parser): Jq => {
  const entries: (readonly [Jq, Jq])[] = []
  while (!takes(parser, '}')) {
    if (entries.length > 0) expect(parser, ',')
    entries.push(entry(parser))
  }
  return { is: 'map', entries }
}

const entry = (parser: Parser): readonly [Jq, Jq] => {
  const token = parser.tokens[parser.at]
  if (token?.kind === 'variable') {
    parser.at += 1
    return [
      { is: 'literal', value: token.text },
      { is: 'variable', name: token.text },
    ]
  }
  const key: Jq = takes(parser, '(')
    ? closed(parser, ')')
    : token?.kind === 'string'
      ? term(parser)
      : { is: 'literal', value: taken(parser, 'word').text }
  if (takes(parser, ':')) return [key, binary(parser, 0)]
  return [key, { is: 'index', of: { is: 'self' }, index: key }]
}
