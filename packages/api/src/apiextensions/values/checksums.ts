const weighted = (digits: readonly number[], weight: (index: number) => number): number =>
  digits.reduce((sum, digit, index) => sum + digit * weight(index), 0)

const compact = (text: string): string => text.replace(/[\s-]+/g, '')

export const isIsbn10 = (text: string): boolean => {
  const code = compact(text)
  if (!/^\d{9}[\dX]$/.test(code)) return false
  const digits = [...code].map((char) => (char === 'X' ? 10 : Number(char)))
  return weighted(digits, (index) => index + 1) % 11 === 0
}

export const isIsbn13 = (text: string): boolean => {
  const code = compact(text)
  if (!/^\d{13}$/.test(code)) return false
  return weighted([...code].map(Number), (index) => (index % 2 === 0 ? 1 : 3)) % 10 === 0
}

/** The check of payment cards. */
export const passesLuhn = (digits: string): boolean => {
  const doubled = [...digits].reverse().map((char, index) => {
    const digit = Number(char) * (index % 2 === 1 ? 2 : 1)
    return digit > 9 ? digit - 9 : digit
  })
  return doubled.length > 0 && doubled.reduce((sum, digit) => sum + digit, 0) % 10 === 0
}
