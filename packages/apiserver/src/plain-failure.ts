import { Refusal } from '@skiff/machinery'

const plain = new WeakSet<Refusal>()

/** A failure before anything knows what answers look like: upstream writes it as text, and not as a Status. */
export const plainFailure = (message: string): Refusal => {
  const refusal = new Refusal(500, '', message)
  plain.add(refusal)
  return refusal
}

const escaped: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** The page of such a failure, for the target as it was asked for; undefined for every other refusal. */
export const plainFailureText = (refusal: Refusal, target: string): string | undefined =>
  plain.has(refusal)
    ? `${`Internal Server Error: ${JSON.stringify(target)}: ${refusal.status.message}`.replace(/[&<>]/g, (char) => escaped[char] as string)}\n`
    : undefined
