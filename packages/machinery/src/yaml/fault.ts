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
  const ending = faultAtEnd(source, error)
  if (ending) return ending
  if (/unacceptable YAML version/.test(error.reason)) return new Error('yaml: found incompatible YAML document')
  const line = error.mark?.line ?? 0
  const { text, scanner: counted } = wordingOf(source.split('\n'), line, error)
  return new Error(line === 0 ? `yaml: ${text}` : `yaml: line ${counted ? line + 1 : line}: ${text}`)
}

/** The end of a text stands on a line of its own: what is open there is missed on it. Undefined where nothing is. */
const faultAtEnd = (source: string, { mark, reason }: YAMLException): Error | undefined => {
  const rest = source.slice(mark?.position ?? 0)
  const endLine = source.split('\n').length - (source.endsWith('\n') ? 1 : 0)
  if (/expected ':' after a mapping key|multiline key may not/.test(reason) && !rest.trimEnd().includes('\n'))
    return new Error(`yaml: line ${endLine + 1}: could not find expected ':'`)
  if (rest.trim() !== '') return undefined
  if (/deficient indentation/.test(reason) && quoteIsOpen(source))
    return new Error(`yaml: line ${endLine + 1}: found unexpected end of stream`)
  const open = openAtEnd(source)
  if (!open) return undefined
  const wanted = /[[{,:]\s*$/.test(source) ? 'node content' : `',' or '${open}'`
  return new Error(`yaml: line ${endLine}: did not find expected ${wanted}`)
}

const quoteIsOpen = (source: string): boolean => {
  const last = source.trimEnd().split('\n').at(-1) ?? ''
  return (last.split("'").length - 1) % 2 === 1 || (last.split('"').length - 1) % 2 === 1
}

const wordingOf = (lines: readonly string[], line: number, error: YAMLException): Wording => {
  const at = lines[line]?.[error.mark?.column ?? 0]
  if (
    (at === ']' || at === '}') &&
    !openAtEnd(
      lines
        .slice(0, line + 1)
        .join('\n')
        .slice(0, -1),
    )
  )
    return parser('did not find expected node content')
  if (/end of the stream or a document separator/.test(error.reason) && /^- /.test(lines.find((each) => each.trim() !== '') ?? ''))
    return parser("did not find expected '-' indicator")
  if (/tab characters must not be used/.test(error.reason) && /(?::|^\s*-)\s+[^"'#|>[{\s]/.test(lines[line - 1] ?? ''))
    return scanner('found a tab character that violates indentation')
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
const innermost = (text: string): string => openAtEnd(text) ?? '}'

const openAtEnd = (text: string): string | undefined => {
  const open: string[] = []
  for (const char of text) {
    if (char === '[') open.push(']')
    else if (char === '{') open.push('}')
    else if (char === open.at(-1)) open.pop()
  }
  return open.at(-1)
}
