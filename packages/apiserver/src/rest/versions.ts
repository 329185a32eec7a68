import { Refusal } from '@skiff/machinery'

const greatest = 2n ** 64n - 1n

/** The version that a writer's object names, as the store writes it; undefined where it names none, which zero does not either. */
export const versionOf = (text: string | undefined): string | undefined => {
  if (!text) return undefined
  const why = faultOf(text)
  if (why) throw new Refusal(500, '', `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`)
  const number = BigInt(text)
  return number === 0n ? undefined : String(number)
}

/** Whether a version names an object that was stored; upstream takes what it cannot read for none. */
export const isStoredVersion = (text: string | undefined): boolean =>
  Boolean(text) && !faultOf(text as string) && BigInt(text as string) !== 0n

const faultOf = (text: string): string | undefined => {
  if (!/^\d+$/.test(text)) return 'invalid syntax'
  return BigInt(text) > greatest ? 'value out of range' : undefined
}
