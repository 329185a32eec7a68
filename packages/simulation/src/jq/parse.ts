/** The tree of a jq expression. */
export type Jq =
  | { readonly is: 'self' }
  | { readonly is: 'literal'; readonly value: string | number | boolean | null }
  | { readonly is: 'field'; readonly of: Jq; readonly name: string }
  | { readonly is: 'index'; readonly of: Jq; readonly index: Jq }
  | { readonly is: 'each'; readonly of: Jq }
  | { readonly is: 'try'; readonly of: Jq }
  | { readonly is: 'pipe' | 'comma'; readonly left: Jq; readonly right: Jq }
  | { readonly is: 'binary'; readonly operator: string; readonly left: Jq; readonly right: Jq }
  | { readonly is: 'call'; readonly name: string; readonly args: readonly Jq[] }
  | { readonly is: 'if'; readonly test: Jq; readonly then: Jq; readonly otherwise: Jq }
  | { readonly is: 'list'; readonly of: Jq | undefined }

interface Token {
  readonly kind: 'word' | 'string' | 'number' | 'punct'
  readonly text: string
}

interface Parser {
  readonly source: string
  readonly tokens: readonly Token[]
  at: number
}

const shape = /\s+|([A-Za-z_]\w*)|("(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?)|(\/\/|==|!=|<=|>=|[.[\](){}|,<>+\-*/%?:])/y

const lex = (source: string): Token[] => {
  const tokens: Token[] = []
  shape.lastIndex = 0
  while (shape.lastIndex < source.length) {
    const at = shape.lastIndex
    const found = shape.exec(source)
    if (!found) throw new Error(`expression ${JSON.stringify(source)}: unexpected ${JSON.stringify(source[at])}`)
    const [, word, string, number, punct] = found
    if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else if (string !== undefined) tokens.push({ kind: 'string', text: JSON.parse(string) as string })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (punct !== undefined) tokens.push({ kind: 'punct', text: punct })
  }
  return tokens
}

/** Reads the part of jq that stages use: paths, pipes, comparisons, arithmetic, `and`, `or`, `//`, `if`, lists and functions. */
export const parseJq = (source: string): Jq => {
  const parser: Parser = { source, tokens: lex(source), at: 0 }
  const tree = pipe(parser)
  if (parser.at < parser.tokens.length) throw unexpected(parser)
  return tree
}

const unexpected = ({ source, tokens, at }: Parser): Error =>
  new Error(`expression ${JSON.stringify(source)}: unexpected ${tokens[at] ? JSON.stringify(tokens[at].text) : 'end'}`)

const sees = (parser: Parser, text: string, kind: Token['kind'] = 'punct'): boolean => {
  const token = parser.tokens[parser.at]
  return token?.kind === kind && token.text === text
}
const takes = (parser: Parser, text: string, kind: Token['kind'] = 'punct'): boolean => {
  const is = sees(parser, text, kind)
  if (is) parser.at += 1
  return is
}
const expect = (parser: Parser, text: string, kind: Token['kind'] = 'punct'): void => {
  if (!takes(parser, text, kind)) throw unexpected(parser)
}

const pipe = (parser: Parser): Jq => {
  const left = comma(parser)
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
    if (!token || token.kind === 'string' || !operators.includes(token.text)) return left
    parser.at += 1
    left = { is: 'binary', operator: token.text, left, right: binary(parser, level + 1) }
  }
}

const postfix = (parser: Parser): Jq => {
  let of = term(parser)
  for (;;) {
    if (takes(parser, '?')) of = { is: 'try', of }
    else if (sees(parser, '.') && isPath(parser.tokens[parser.at + 1])) {
      parser.at += 1
      of = step(parser, of)
    } else if (sees(parser, '[')) of = step(parser, of)
    else return of
  }
}

const isPath = (token: Token | undefined): boolean =>
  token !== undefined && (token.kind === 'word' || token.kind === 'string' || (token.kind === 'punct' && token.text === '['))

/** A name, a text, or what stands in brackets. */
const step = (parser: Parser, of: Jq): Jq => {
  if (takes(parser, '[')) {
    if (takes(parser, ']')) return { is: 'each', of }
    const index = pipe(parser)
    expect(parser, ']')
    return { is: 'index', of, index }
  }
  const token = parser.tokens[parser.at]
  if (token?.kind !== 'word' && token?.kind !== 'string') throw unexpected(parser)
  parser.at += 1
  return { is: 'field', of, name: token.text }
}

const words: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null }

const term = (parser: Parser): Jq => {
  const token = parser.tokens[parser.at]
  if (!token) throw unexpected(parser)
  if (takes(parser, '.')) return isPath(parser.tokens[parser.at]) ? step(parser, { is: 'self' }) : { is: 'self' }
  if (takes(parser, '(')) {
    const inner = pipe(parser)
    expect(parser, ')')
    return inner
  }
  if (takes(parser, '[')) {
    const of = sees(parser, ']') ? undefined : pipe(parser)
    expect(parser, ']')
    return { is: 'list', of }
  }
  if (takes(parser, '-')) return { is: 'binary', operator: '-', left: { is: 'literal', value: 0 }, right: postfix(parser) }
  parser.at += 1
  if (token.kind === 'string') return { is: 'literal', value: token.text }
  if (token.kind === 'number') return { is: 'literal', value: Number(token.text) }
  if (token.kind === 'punct') {
    parser.at -= 1
    throw unexpected(parser)
  }
  if (token.text === 'if') return condition(parser)
  if (Object.hasOwn(words, token.text)) return { is: 'literal', value: words[token.text] as boolean | null }
  return { is: 'call', name: token.text, args: takes(parser, '(') ? callArguments(parser) : [] }
}

const callArguments = (parser: Parser): Jq[] => {
  const args = [pipe(parser)]
  while (!takes(parser, ')')) {
    // jq divides arguments by semicolons, which no function here needs: one argument each.
    throw unexpected(parser)
  }
  return args
}

const condition = (parser: Parser): Jq => {
  const test = pipe(parser)
  expect(parser, 'then', 'word')
  const then = pipe(parser)
  if (takes(parser, 'elif', 'word')) return { is: 'if', test, then, otherwise: condition(parser) }
  const otherwise = takes(parser, 'else', 'word') ? pipe(parser) : ({ is: 'self' } as const)
  expect(parser, 'end', 'word')
  return { is: 'if', test, then, otherwise }
}
