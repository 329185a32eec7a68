export interface JqToken {
  readonly kind: 'word' | 'string' | 'number' | 'variable' | 'format' | 'punct'
  readonly text: string
  /** Of a string: texts, and the expressions between them. */
  readonly parts?: readonly (string | { readonly source: string })[]
}

const shape =
  /\s+|#[^\n]*|([A-Za-z_]\w*)|(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\$([A-Za-z_]\w*)|@([A-Za-z]\w*)|(\.\.|\/\/|==|!=|<=|>=|[.[\](){}|,<>+\-*/%?:;])/y

/** The tokens of an expression; throws a sentence. */
export const lexJq = (source: string): readonly JqToken[] => {
  const tokens: JqToken[] = []
  let at = 0
  while (at < source.length) {
    if (source[at] === '"') {
      const { parts, end } = readText(source, at + 1)
      tokens.push({ kind: 'string', text: source.slice(at, end), parts })
      at = end
      continue
    }
    shape.lastIndex = at
    const found = shape.exec(source)
    if (!found) throw new Error(`expression ${JSON.stringify(source)}: unexpected ${JSON.stringify(source[at])}`)
    at = shape.lastIndex
    const [, word, number, variable, format, punct] = found
    if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (variable !== undefined) tokens.push({ kind: 'variable', text: variable })
    else if (format !== undefined) tokens.push({ kind: 'format', text: format })
    else if (punct !== undefined) tokens.push({ kind: 'punct', text: punct })
  }
  return tokens
}

/** A text from behind its first quote to behind its last, with `\(expressions)`. */
const readText = (source: string, start: number): { readonly parts: (string | { readonly source: string })[]; readonly end: number } => {
  const parts: (string | { readonly source: string })[] = []
  let from = start
  const keep = (to: number): void => {
    if (to > from) parts.push(JSON.parse(`"${source.slice(from, to)}"`) as string)
  }
  for (let at = start; at < source.length; at += 1) {
    if (source[at] === '"') {
      keep(at)
      return { parts, end: at + 1 }
    }
    if (source[at] !== '\\') continue
    if (source[at + 1] === '(') {
      keep(at)
      const end = closing(source, at + 2)
      parts.push({ source: source.slice(at + 2, end) })
      from = end + 1
      at = end
    } else at += 1
  }
  throw new Error(`expression ${JSON.stringify(source)}: a text has no end`)
}

/** Where the parenthesis that stands open is closed. */
const closing = (source: string, start: number): number => {
  let depth = 1
  for (let at = start; at < source.length; at += 1) {
    if (source[at] === '"') at = readText(source, at + 1).end - 1
    else if (source[at] === '(') depth += 1
    else if (source[at] === ')' && --depth === 0) return at
  }
  throw new Error(`expression ${JSON.stringify(source)}: a text has no end`)
}
