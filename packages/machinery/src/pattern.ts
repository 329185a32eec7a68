import { RE2JS } from 're2js'

const kept = new Map<string, (text: string) => boolean>()
const mostKept = 1000

/** A user's pattern, found anywhere in a text, in linear time. Throws an Error for one that is none. */
export const compilePattern = (source: string): ((text: string) => boolean) => {
  const known = kept.get(source)
  if (known) return known
  const pattern = RE2JS.compile(source)
  const matches = (text: string) => pattern.matcher(text).find()
  if (kept.size >= mostKept) kept.clear()
  kept.set(source, matches)
  return matches
}

/** What a user's pattern finds in a text, from left to right, at most `most` of it. */
export const findPattern = (source: string, text: string, most = Number.POSITIVE_INFINITY): readonly string[] => {
  const matcher = RE2JS.compile(source).matcher(text)
  const found: string[] = []
  while (found.length < most && matcher.find()) found.push(matcher.group() ?? '')
  return found
}

/** A text with all that a user's pattern finds replaced; `$1` and `${1}` stand for what its groups found. */
export const replacePattern = (source: string, text: string, by: string): string =>
  RE2JS.compile(source)
    .matcher(text)
    .replaceAll(by.replaceAll(/\$\{(\d+)\}/g, '$$$1'))
