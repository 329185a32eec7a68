/**
 * Replaces `$(NAME)`. `$$` stands for `$`, so `$$(NAME)` is left as `$(NAME)`; what has no value stays as it is written.
 */
export const expand = (text: string, lookup: (name: string) => string | undefined): string => {
  if (!text.includes('$')) return text
  let out = ''
  let at = 0
  while (at < text.length) {
    const dollar = text.indexOf('$', at)
    if (dollar < 0 || dollar === text.length - 1) break
    out += text.slice(at, dollar)
    const next = text[dollar + 1]
    const close = next === '(' ? text.indexOf(')', dollar + 2) : -1
    if (next === '$') {
      out += '$'
      at = dollar + 2
    } else if (close >= 0) {
      const name = text.slice(dollar + 2, close)
      out += lookup(name) ?? `$(${name})`
      at = close + 1
    } else {
      // Anything else after the dollar is itself, an unclosed parenthesis too.
      out += `$${next}`
      at = dollar + 2
    }
  }
  return out + text.slice(at)
}

/** A lookup over several sources, the first that has the name. */
export const lookupIn =
  (...sources: readonly ReadonlyMap<string, string>[]) =>
  (name: string): string | undefined => {
    for (const source of sources) if (source.has(name)) return source.get(name)
    return undefined
  }
