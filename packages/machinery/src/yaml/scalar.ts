import { resolveScalar } from './resolve.ts'

// How a string is written: plain, in single or double quotes, or as a literal block; lines are folded behind column 80. The
// rules are those of libyaml's emitter, whose output people compare.

const foldColumn = 80
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
/**
 * Not printable by libyaml's lights: control characters but the newline, the byte order mark, and all beyond the basic plane.
 * The line breaks of Unicode are among them here, since libyaml itself writes those so that they do not come back.
 */
const special = /[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]/

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal'

export const styleOf = (text: string, isKey: boolean): ScalarStyle => {
  const wanted = wantedStyle(text)
  const hard = special.test(text) || text.includes(' \n')
  if (wanted === 'literal') return hard || isKey || text.endsWith(' ') ? 'double' : 'literal'
  if (wanted === 'double' || hard) return 'double'
  return plainAllowed(text) ? 'plain' : 'single'
}

const wantedStyle = (text: string): ScalarStyle => {
  if (text.includes('\n')) return 'literal'
  // A merge key would not come back as text, though upstream writes it plain.
  return resolveScalar(text).tag === 'str' && !base60.test(text) && text !== '<<' ? 'plain' : 'double'
}

const plainAllowed = (text: string): boolean =>
  !/^(?:[#,[\]{}&*!|>'"%@`]|[?:-](?:$|[ \t])|---|\.\.\.)/.test(text) && !/:(?:$|[ \t])|[ \t]#|^ | $/.test(text)

/** Where writing stands: the column counts characters from the line's start. */
export interface Cursor {
  readonly column: number
  /** Of the lines that a fold begins. */
  readonly indent: number
}

/** The text of a string from `cursor` on; keys are never folded. */
export const writeString = (text: string, cursor: Cursor, isKey: boolean): string => {
  switch (styleOf(text, isKey)) {
    case 'plain':
      return isKey ? text : folded(text, cursor.column, cursor.indent, 0)
    case 'single': {
      const body = text.replaceAll("'", "''")
      return `'${isKey ? body : folded(body, cursor.column + 1, cursor.indent, 1)}'`
    }
    case 'double':
      return `"${doubleQuoted(text, cursor, isKey)}"`
    case 'literal':
      return literal(text, cursor.indent)
  }
}

/** Breaks lines at single spaces behind the column; `edge` characters at either end are kept together. */
const folded = (text: string, column: number, indent: number, edge: number): string => {
  if (column + text.length <= foldColumn) return text
  let out = ''
  let at = column
  let afterSpace = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    const isSpace = char === ' '
    if (isSpace && !afterSpace && at > foldColumn && i >= edge && i < text.length - edge && text[i + 1] !== ' ') {
      out += `\n${' '.repeat(indent)}`
      at = indent
    } else {
      out += char
      at++
    }
    afterSpace = isSpace
  }
  return out
}

const escapes: Readonly<Record<string, string>> = {
  '\0': '0',
  '\x07': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\x1b': 'e',
  '"': '"',
  '\\': '\\',
  '\x85': 'N',
  '\u2028': 'L',
  '\u2029': 'P',
}

const doubleQuoted = (text: string, cursor: Cursor, isKey: boolean): string => {
  const chars = [...text]
  let out = ''
  let column = cursor.column + 1
  let afterSpace = false
  chars.forEach((char, i) => {
    if (char === ' ' && !isKey && !afterSpace && column > foldColumn && i > 0 && i < chars.length - 1) {
      // A space that begins the next line must be escaped.
      out += `\n${' '.repeat(cursor.indent)}${chars[i + 1] === ' ' ? '\\' : ''}`
      column = cursor.indent + (chars[i + 1] === ' ' ? 1 : 0)
      afterSpace = true
      return
    }
    const piece = special.test(char) || char === '"' || char === '\\' || char === '\n' ? escaped(char) : char
    out += piece
    column += piece.length
    afterSpace = char === ' '
  })
  return out
}

const escaped = (char: string): string => {
  const short = escapes[char]
  if (short !== undefined) return `\\${short}`
  const code = char.codePointAt(0) as number
  const [mark, digits] = code <= 0xff ? ['x', 2] : code <= 0xffff ? ['u', 4] : (['U', 8] as const)
  return `\\${mark}${code
    .toString(16)
    .toUpperCase()
    .padStart(digits as number, '0')}`
}

const literal = (text: string, indent: number): string => {
  // A hint of the indent where the text itself begins with space, and of what ends it.
  const hint = /^[ \n]/.test(text) ? '2' : ''
  const chomp = text.endsWith('\n') ? (text === '\n' || text.endsWith('\n\n') ? '+' : '') : '-'
  const pad = ' '.repeat(indent)
  const body = text.endsWith('\n') ? text.slice(0, -1) : text
  return `|${hint}${chomp}\n${body.replace(/^(?=[^\n])/gm, pad)}${chomp === '+' ? '\n' : ''}`
}
