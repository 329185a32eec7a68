import { CelError } from './value.ts'

export interface CelToken {
  readonly kind: 'word' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'mark' | 'end'
  readonly text: string
  readonly at: number
}

const shapes: readonly (readonly [CelToken['kind'] | 'skip', RegExp])[] = [
  ['skip', /(?:\s|\/\/[^\n]*)+/y],
  ['bytes', /[bB][rR]?(?="|')/y],
  ['string', /(?:[rR])?(?="|')/y],
  ['double', /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/y],
  ['uint', /(?:0x[\da-fA-F]+|\d+)[uU]/y],
  ['int', /0x[\da-fA-F]+|\d+/y],
  ['word', /[_a-zA-Z]\w*|`[\w.\-/ ]+`/y],
  ['mark', /&&|\|\||==|!=|<=|>=|\.\?|\[\?|[-+*/%!<>?:.,()[\]{}]/y],
]

/** A fault as upstream shows it: its place, and the line with a mark below it. */
export const placedText = (source: string, at: number, what: string): string => {
  const before = source.slice(0, at).split('\n')
  const column = (before.at(-1) as string).length
  const line = source.split('\n')[before.length - 1] as string
  return `ERROR: <input>:${before.length}:${column + 1}: ${what}\n | ${line}\n | ${'.'.repeat(column)}^`
}

export const syntaxError = (source: string, at: number, what: string): CelError =>
  new CelError(placedText(source, at, `Syntax error: ${what}`))

export const lexCel = (source: string): CelToken[] => {
  const tokens: CelToken[] = []
  let at = 0
  next: while (at < source.length) {
    for (const [kind, shape] of shapes) {
      shape.lastIndex = at
      const match = shape.exec(source)
      if (!match) continue
      const text = match[0]
      if (kind === 'string' || kind === 'bytes') {
        const end = endOfString(source, at + text.length)
        tokens.push({ kind, text: source.slice(at, end), at })
        at = end
      } else {
        if (kind !== 'skip') tokens.push({ kind, text, at })
        at += text.length
      }
      continue next
    }
    throw syntaxError(source, at, `token recognition error at: '${source[at]}'`)
  }
  tokens.push({ kind: 'end', text: '<EOF>', at })
  return tokens
}

const endOfString = (source: string, at: number): number => {
  const raw = at > 0 && /[rR]/.test(source[at - 1] as string)
  const quote = source[at] as string
  const mark = source.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote
  for (let i = at + mark.length; i < source.length; i++) {
    if (!raw && source[i] === '\\') i++
    else if (source.startsWith(mark, i)) return i + mark.length
    else if (mark.length === 1 && source[i] === '\n') break
  }
  throw syntaxError(source, at, `token recognition error at: '${source.slice(at)}'`)
}

const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** The text of a string or bytes literal. */
export const literalText = (token: string): string => {
  const prefix = /^[bBrR]*/.exec(token)?.[0] ?? ''
  const body = token.slice(prefix.length)
  const mark = /^("""|''')/.test(body) ? 3 : 1
  const text = body.slice(mark, -mark)
  if (/[rR]/.test(prefix)) return text
  return text.replace(/\\(x[\da-fA-F]{2}|X[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-3][0-7]{2}|.)/gs, (_, code: string) => {
    const first = code[0] as string
    if (/[xXuU]/.test(first) && code.length > 1) return String.fromCodePoint(Number.parseInt(code.slice(1), 16))
    if (code.length === 3) return String.fromCodePoint(Number.parseInt(code, 8))
    return escapes[first] ?? first
  })
}
