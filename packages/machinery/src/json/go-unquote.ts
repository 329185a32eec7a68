const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/** The text of a quoted Go literal; throws for an escape that Go does not know. Of the quotes only its own may be escaped. */
export const goUnquote = (source: string): string => {
  const quote = source[0] as string
  return source
    .slice(1, -1)
    .replace(
      /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([\s\S]?))/g,
      (_, x, u, long, octal, char: string | undefined) => {
        const hex: string | undefined = x ?? u ?? long
        if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
        if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
        const plain = char !== undefined && Object.hasOwn(escapes, char) ? escapes[char] : undefined
        if (plain === undefined || ((char === '"' || char === "'") && char !== quote)) throw new Error('invalid syntax')
        return plain
      },
    )
}
