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
