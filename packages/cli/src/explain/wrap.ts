// What kubectl's templates make of text: words wrapped at a width, all blanks between them kept but those at which a line breaks.

const isSpace = (char: string): boolean => /\s/.test(char) && char !== '\u00a0'

/** Wraps words at a width in characters. A word as long as a line stands where it is. */
export const wrapWords = (text: string, width: number): string => {
  let out = ''
  let [column, word, blanks] = [0, '', '']
  const lengthOf = (part: string): number => [...part].length
  const settle = (): void => {
    column += lengthOf(blanks) + lengthOf(word)
    out += blanks + word
    blanks = ''
    word = ''
  }
  for (const char of text) {
    if (char === '\n') {
      if (word === '' && column + lengthOf(blanks) > width) blanks = ''
      settle()
      out += char
      column = 0
    } else if (isSpace(char)) {
      if (blanks === '' || word !== '') settle()
      blanks += char
    } else {
      word += char
      if (column + lengthOf(word) + lengthOf(blanks) > width && lengthOf(word) < width) {
        out += '\n'
        column = 0
        blanks = ''
      }
    }
  }
  if (word !== '' || column + lengthOf(blanks) <= width) settle()
  return out
}

/** Every line moved to the right, an empty last one too. */
export const indentLines = (text: string, blanks: number): string => {
  const pad = ' '.repeat(blanks)
  return pad + text.replaceAll('\n', `\n${pad}`)
}
