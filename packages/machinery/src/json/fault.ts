// The texts are those of Go's encoding/json, which clients see in answers of 400.

// Go ends a document by feeding its scanner a space, which is the fault where a space cannot stand.
const spaceIsWrong = /literal|escape/

/** What is wrong with the byte at `at`: `context` says what was read there. */
export const syntaxFault = (bytes: Uint8Array, at: number, context: string): Error => {
  const c = bytes[at] ?? (spaceIsWrong.test(context) ? 0x20 : undefined)
  return new Error(c === undefined ? 'unexpected end of JSON input' : `invalid character ${quotedByte(c)} ${context}`)
}

const named: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '"',
  39: "\\'",
  92: '\\\\',
}

/** A byte as Go quotes the rune of that number. */
const quotedByte = (c: number): string => {
  const hex = c.toString(16).padStart(2, '0')
  const printable = (c >= 0x20 && c < 0x7f) || (c > 0xa0 && c !== 0xad)
  return `'${named[c] ?? (printable ? String.fromCharCode(c) : c < 0x80 ? `\\x${hex}` : `\\u00${hex}`)}'`
}
