/** An attribute of a tag: its name in lower case, and where its value stands in the text, quotes included. */
export interface Attribute {
  readonly name: string
  readonly from: number
  readonly to: number
}

export interface Tag {
  readonly name: string
  readonly attributes: readonly Attribute[]
  /** After the '>'. */
  readonly end: number
}

const isSpace = (char: string | undefined): boolean => char === ' ' || char === '\n' || char === '\t' || char === '\r' || char === '\f'

/** Reads a start tag whose '<' stands at `at`; undefined when its end is not there yet. In one pass, by HTML's own rules. */
export const scanTag = (text: string, at: number): Tag | undefined => {
  let i = at + 1
  const until = (stop: (char: string) => boolean): string => {
    const from = i
    while (i < text.length && !stop(text[i] as string)) i++
    return text.slice(from, i)
  }
  const name = until((char) => isSpace(char) || char === '/' || char === '>').toLowerCase()
  const attributes: Attribute[] = []
  for (;;) {
    until((char) => !isSpace(char) && char !== '/')
    if (i >= text.length) return undefined
    if (text[i] === '>') return { name, attributes, end: i + 1 }
    i++ // the first character of a name may be anything, '=' too
    const from = i - 1
    until((char) => isSpace(char) || char === '/' || char === '>' || char === '=')
    const attribute = text.slice(from, i).toLowerCase()
    until((char) => !isSpace(char))
    if (text[i] !== '=') continue
    i++
    until((char) => !isSpace(char))
    const start = i
    const quote = text[i]
    if (quote === '"' || quote === "'") {
      i++
      until((char) => char === quote)
      i++
    } else until((char) => isSpace(char) || char === '>')
    if (i > text.length) return undefined
    attributes.push({ name: attribute, from: start, to: i })
  }
}
