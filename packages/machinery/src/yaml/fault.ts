import type { YAMLException } from 'js-yaml'

// The parser words its complaints otherwise than the library upstream uses; users and tests know the latter's words.

interface Wording {
  readonly text: string
  /** Upstream's scanner counts lines from one, its parser from zero; neither names the first line. */
  readonly scanner: boolean
}
const scanner = (text: string): Wording => ({ text, scanner: true })
const parser = (text: string): Wording => ({ text, scanner: false })

const wordings: readonly (readonly [RegExp, Wording])[] = [
  [/tab characters must not be used/, scanner('found character that cannot start any token')],
  [/within a (single|double) quoted scalar/, scanner('found unexpected end of stream')],
  [/unknown escape sequence/, scanner('found unknown escape character')],
  [/expected hexadecimal character/, scanner('did not find expected hexdecimal number')],
  [/multiline key may not be an implicit key|expected ':' after a mapping key/, scanner("could not find expected ':'")],
  [/expected the node content/, parser('did not find expected node content')],
  [/bad indentation of a sequence entry/, parser("did not find expected '-' indicator")],
  [/end of the stream or a document separator/, parser('did not find expected <document start>')],
  [/undeclared tag handle/, parser('found undefined tag handle')],
  [/of an (alias|anchor) node must contain/, scanner('did not find expected alphabetic or numeric character')],
  [/non-printable/, scanner('control characters are not allowed')],
  [/nesting exceeded/, scanner('exceeded max depth of 10000')],
]

/** The complaint as upstream words it: `yaml: line 3: mapping values are not allowed in this context`. */
export const yamlFault = (source: string, error: YAMLException): Error => {
  const line = error.mark?.line ?? 0
  const { text, scanner: counted } = wordingOf(source.split('\n'), line, error)
  return new Error(line === 0 ? `yaml: ${text}` : `yaml: line ${counted ? line + 1 : line}: ${text}`)
}

const wordingOf = (lines: readonly string[], line: number, error: YAMLException): Wording => {
  if (/bad indentation of a mapping entry|deficient indentation/.test(error.reason)) return badEntry(lines, line)
  if (/within a flow collection|missed comma between flow/.test(error.reason))
    return parser(`did not find expected ',' or '${innermost(lines.slice(0, line + 1).join('\n'))}'`)
  return wordings.find(([pattern]) => pattern.test(error.reason))?.[1] ?? scanner(error.reason)
}

/** The parser finds a wrong indent where people mostly wrote a value that cannot stand there. */
const badEntry = (lines: readonly string[], line: number): Wording => {
  const source = lines[line] ?? ''
  if (/^[^"'#]*?:\s+[@`%]/.test(source)) return scanner('found character that cannot start any token')
  if (/^[^"'#]*?:\s+-(\s|$)/.test(source)) return scanner('block sequence entries are not allowed in this context')
  if (/^[^"'#]*?:\s+\?(\s|$)/.test(source)) return scanner('mapping keys are not allowed in this context')
  if (/^[^"'#]*?:\s+[^"'#\s].*?:(\s|$)/.test(source)) return scanner('mapping values are not allowed in this context')
  const before = lines[line - 1] ?? ''
  const deeper = indentOf(source) > indentOf(before) && /:\s+\S/.test(before)
  return deeper && /:(\s|$)/.test(source) ? scanner('mapping values are not allowed in this context') : parser('did not find expected key')
}

const indentOf = (line: string): number => line.length - line.trimStart().length

/** What would close the flow collection that is open at the end of the text. */
const innermost = (text: string): string => {
  const open: string[] = []
  for (const char of text) {
    if (char === '[') open.push(']')
    else if (char === '{') open.push('}')
    else if (char === open.at(-1)) open.pop()
  }
  return open.at(-1) ?? '}'
}
