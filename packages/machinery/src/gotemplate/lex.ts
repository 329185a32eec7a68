// Tokens of Go's text/template: text, and within {{ }} what stands there.

export type TokenKind = 'text' | 'field' | 'variable' | 'word' | 'string' | 'number' | 'char' | 'punct' | 'open' | 'close'
export interface Token {
  readonly kind: TokenKind
  readonly text: string
  /** Offset in the source. */
  readonly at: number
  /** White space stands before it, which ends an operand. */
  readonly spaced: boolean
}

export class TemplateSyntaxError extends Error {
  readonly at: number
  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

const shapes: readonly (readonly [TokenKind, RegExp])[] = [
  ['variable', /^\$[\p{L}\p{Nd}_]*/u],
  ['number', /^[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/],
  ['field', /^\.[\p{L}_][\p{L}\p{Nd}_]*/u],
  ['word', /^[\p{L}_][\p{L}\p{Nd}_]*/u],
  ['punct', /^(?::=|[.=|(),])/],
]

export const lexTemplate = (source: string): Token[] => {
  const tokens: Token[] = []
  let at = 0
  let trimNext = false
  while (at < source.length) {
    const brace = source.indexOf('{{', at)
    const end = brace < 0 ? source.length : brace
    let text = source.slice(at, end)
    if (trimNext) text = text.replace(/^[ \t\r\n]+/, '')
    const trims = brace >= 0 && /^-[ \t\r\n]/.test(source.slice(brace + 2, brace + 4))
    if (trims) text = text.replace(/[ \t\r\n]+$/, '')
    if (text !== '') tokens.push({ kind: 'text', text, at, spaced: false })
    if (brace < 0) break
    const inside = brace + (trims ? 4 : 2)
    const done = source.startsWith('/*', inside) ? skipComment(source, inside) : lexAction(source, inside, tokens)
    at = done.at
    trimNext = done.trims
  }
  return tokens
}

interface Closed {
  /** Behind the closing braces. */
  readonly at: number
  /** The text that follows loses its leading space. */
  readonly trims: boolean
}

const closing = (source: string, at: number): Closed | undefined => {
  const trimmed = /^[ \t\r\n]-\}\}/.exec(source.slice(at, at + 4))
  if (trimmed) return { at: at + 4, trims: true }
  return source.startsWith('}}', at) ? { at: at + 2, trims: false } : undefined
}

const skipComment = (source: string, from: number): Closed => {
  const end = source.indexOf('*/', from)
  if (end < 0) throw new TemplateSyntaxError(from, 'unclosed comment')
  const closed = closing(source, end + 2)
  if (!closed) throw new TemplateSyntaxError(from, 'comment ends before closing delimiter')
  return closed
}

const lexAction = (source: string, from: number, tokens: Token[]): Closed => {
  tokens.push({ kind: 'open', text: '{{', at: from, spaced: false })
  let at = from
  let spaced = false
  for (;;) {
    const closed = closing(source, at)
    if (closed) {
      tokens.push({ kind: 'close', text: '}}', at, spaced })
      return closed
    }
    const char = source[at]
    if (char === undefined) throw new TemplateSyntaxError(at, 'unclosed action')
    if (' \t\r\n'.includes(char)) {
      spaced = true
      at++
      continue
    }
    const token = char === '"' || char === '`' || char === "'" ? quoted(source, at, char) : plain(source, at)
    tokens.push({ ...token, at, spaced })
    at += token.text.length
    spaced = false
  }
}

const quoted = (source: string, at: number, quote: string): Pick<Token, 'kind' | 'text'> => {
  for (let end = at + 1; end < source.length; end++) {
    const char = source[end]
    if (char === '\\' && quote !== '`') end++
    else if (char === quote) return { kind: quote === "'" ? 'char' : 'string', text: source.slice(at, end + 1) }
    else if (char === '\n' && quote !== '`') break
  }
  throw new TemplateSyntaxError(
    at,
    quote === '`' ? 'unterminated raw quoted string' : quote === '"' ? 'unterminated quoted string' : 'unterminated character constant',
  )
}

const plain = (source: string, at: number): Pick<Token, 'kind' | 'text'> => {
  const rest = source.slice(at)
  for (const [kind, shape] of shapes) {
    const text = shape.exec(rest)?.[0]
    if (text) return { kind, text }
  }
  throw new TemplateSyntaxError(at, `unexpected ${JSON.stringify(source[at])} in operand`)
}
