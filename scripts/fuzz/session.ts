import { seededRandom } from '@skiff/machinery'
import { hardWords, mutated } from './mutate.ts'
import type { Target } from './target.ts'

/** Inputs above this are cut: what is big is the limits' affair, and the server refuses above three megabytes. */
export const maxInputBytes = 256 * 1024
const maxCorpus = 600

export interface Session {
  /** Makes the next input and runs it; throws what the target throws. `before` sees the input first. */
  step(before: (input: Buffer) => void): void
  readonly kept: number
}

/** One seeded walk: inputs whose outcome nobody had before join the corpus that further ones are made of. */
export const createSession = (target: Target, seed: number): Session => {
  const random = seededRandom(seed)
  const corpus: Buffer[] = target.seeds(random).map((each) => Buffer.from(each))
  const seedCount = corpus.length
  const outcomes = new Set<string>()
  const words = [...hardWords, ...(target.words ?? []), ...(target.words ?? [])]
  const draw = (): Buffer => corpus[Math.floor(random() * corpus.length)] as Buffer
  let next = 0
  return {
    step: (before) => {
      const input = next < seedCount ? (corpus[next++] as Buffer) : mutated(draw(), draw(), words, random).subarray(0, maxInputBytes)
      before(input)
      const outcome = target.run(input)
      if (outcomes.has(outcome) || outcomes.size > 20_000) return
      outcomes.add(outcome)
      // Seeds stay; what was found gives way to what is found later.
      if (corpus.length < maxCorpus) corpus.push(Buffer.from(input))
      else corpus[seedCount + Math.floor(random() * (maxCorpus - seedCount))] = Buffer.from(input)
    },
    get kept() {
      return corpus.length
    },
  }
}
