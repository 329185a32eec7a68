const letter = /\p{L}/u
const digit = /^[0-9]$/

/**
 * The order in which Kubernetes' YAML library writes the keys of a map: as a person would sort them, with numbers in names by
 * their size and marks before letters.
 */
export const compareKeys = (a: string, b: string): number => {
  const [x, y] = [[...a], [...b]]
  for (let i = 0; i < x.length && i < y.length; i++) {
    const [p, q] = [x[i] as string, y[i] as string]
    if (p === q) continue
    const [pLetter, qLetter] = [letter.test(p), letter.test(q)]
    if (pLetter && qLetter) return codeOf(p) - codeOf(q)
    if (pLetter || qLetter) return qLetter ? -1 : 1
    return compareNumbers(x, y, i) || codeOf(p) - codeOf(q)
  }
  return x.length - y.length
}

const codeOf = (char: string): number => char.codePointAt(0) as number

/** Compares the numbers that begin at `at`, or go on there after digits that were equal. */
const compareNumbers = (x: readonly string[], y: readonly string[], at: number): number => {
  // A zero within a number counts as a digit only if one that is not zero stands before it.
  const within = (x[at] === '0' || y[at] === '0') && startsWithinNumber(x, at)
  const [p, q] = [digitsFrom(x, at), digitsFrom(y, at)]
  const lead = within ? '1' : ''
  const difference = BigInt(`${lead}${p}` || '0') - BigInt(`${lead}${q}` || '0')
  return difference === 0n ? p.length - q.length : difference < 0n ? -1 : 1
}

const startsWithinNumber = (chars: readonly string[], at: number): boolean => {
  for (let i = at - 1; i >= 0 && digit.test(chars[i] as string); i--) if (chars[i] !== '0') return true
  return false
}

const digitsFrom = (chars: readonly string[], at: number): string => {
  let end = at
  while (end < chars.length && digit.test(chars[end] as string)) end++
  return chars.slice(at, end).join('')
}
