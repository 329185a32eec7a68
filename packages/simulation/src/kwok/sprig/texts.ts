import { createHash } from 'node:crypto'
import { compilePattern, dumpYaml, findPattern, replacePattern } from '@skiff/machinery'
import { int, list, type Named, plain, text, type Value } from './cast.ts'

const indent = (value: Value, by: Value): string => {
  const pad = ' '.repeat(Number(int(by)))
  return pad + text(value).replaceAll('\n', `\n${pad}`)
}

/** Without any of these characters at its ends. */
const trimmed = (value: string, cut: string): string => {
  let [from, to] = [0, value.length]
  while (from < to && cut.includes(value[from] as string)) from += 1
  while (to > from && cut.includes(value[to - 1] as string)) to -= 1
  return value.slice(from, to)
}

/** `someWords here` are some, words, here. */
const wordsOf = (value: Value): readonly string[] =>
  text(value)
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[\s_-]+/)
    .filter((word) => word !== '')
const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1)

const abbreviated = (value: string, length: number): string =>
  length < 4 || value.length <= length ? value : `${value.slice(0, length - 3)}...`

export const textFunctions: Named = [
  ['quote', (...values) => values.map((value) => JSON.stringify(text(value))).join(' ')],
  ['squote', (...values) => values.map((value) => `'${text(value)}'`).join(' ')],
  ['upper', (value) => text(value).toUpperCase()],
  ['lower', (value) => text(value).toLowerCase()],
  ['trim', (value) => text(value).trim()],
  ['trimAll', (cut, value) => trimmed(text(value), text(cut))],
  ['trimPrefix', (cut, value) => (text(value).startsWith(text(cut)) ? text(value).slice(text(cut).length) : text(value))],
  [
    'trimSuffix',
    (cut, value) => (text(value).endsWith(text(cut)) ? text(value).slice(0, text(value).length - text(cut).length) : text(value)),
  ],
  ['replace', (from, to, value) => text(value).replaceAll(text(from), text(to))],
  ['contains', (part, value) => text(value).includes(text(part))],
  ['hasPrefix', (part, value) => text(value).startsWith(text(part))],
  ['hasSuffix', (part, value) => text(value).endsWith(text(part))],
  ['trunc', (length, value) => (int(length) < 0n ? text(value).slice(Number(int(length))) : text(value).slice(0, Number(int(length))))],
  ['substr', (from, to, value) => text(value).slice(Number(int(from)), int(to) < 0n ? undefined : Number(int(to)))],
  ['repeat', (count, value) => text(value).repeat(Number(int(count)))],
  ['title', (value) => text(value).replace(/(^|\s)\S/g, (found) => found.toUpperCase())],
  ['untitle', (value) => text(value).replace(/(^|\s)\S/g, (found) => found.toLowerCase())],
  ['camelcase', (value) => wordsOf(value).map(capital).join('')],
  ['kebabcase', (value) => wordsOf(value).join('-')],
  ['snakecase', (value) => wordsOf(value).join('_')],
  [
    'cat',
    (...values) =>
      values
        .filter((value) => value !== undefined && value !== null)
        .map(text)
        .join(' '),
  ],
  ['abbrev', (length, value) => abbreviated(text(value), Number(int(length)))],
  [
    'initials',
    (value) =>
      text(value)
        .split(/\s+/)
        .map((word) => word.slice(0, 1))
        .join(''),
  ],
  ['plural', (one, many, count) => (int(count) === 1n ? text(one) : text(many))],
  ['nospace', (value) => text(value).replace(/\s/g, '')],
  ['indent', (by, value) => indent(value, by)],
  ['nindent', (by, value) => `\n${indent(value, by)}`],
  ['regexMatch', (pattern, value) => compilePattern(text(pattern))(text(value))],
  ['mustRegexMatch', (pattern, value) => compilePattern(text(pattern))(text(value))],
  ['regexFind', (pattern, value) => findPattern(text(pattern), text(value), 1)[0] ?? ''],
  ['regexFindAll', (pattern, value, count) => findPattern(text(pattern), text(value), int(count) < 0n ? undefined : Number(int(count)))],
  ['regexReplaceAll', (pattern, value, by) => replacePattern(text(pattern), text(value), text(by))],
  ['regexQuoteMeta', (value) => text(value).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')],
  ['b64enc', (value) => Buffer.from(text(value)).toString('base64')],
  ['b64dec', (value) => Buffer.from(text(value), 'base64').toString()],
  ['sha256sum', (value) => createHash('sha256').update(text(value)).digest('hex')],
  ['sha1sum', (value) => createHash('sha1').update(text(value)).digest('hex')],
  ['toString', (value) => text(value)],
  ['toJson', (value) => JSON.stringify(plain(value))],
  ['toPrettyJson', (value) => JSON.stringify(plain(value), null, 2)],
  ['toRawJson', (value) => JSON.stringify(plain(value))],
  ['mustToJson', (value) => JSON.stringify(plain(value))],
  ['fromJson', (value) => JSON.parse(text(value)) as Value],
  ['mustFromJson', (value) => JSON.parse(text(value)) as Value],
  ['toYaml', (value) => dumpYaml(plain(value)).trimEnd()],
  ['toStrings', (values) => list(values).map(text)],
  ['sortAlpha', (values) => list(values).map(text).sort()],
  [
    'split',
    (by, value) =>
      Object.fromEntries(
        text(value)
          .split(text(by))
          .map((part, i) => [`_${i}`, part]),
      ),
  ],
  ['splitList', (by, value) => text(value).split(text(by))],
  ['join', (by, values) => list(values).map(text).join(text(by))],
]
