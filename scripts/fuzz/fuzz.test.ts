import { describe, expect, test } from 'vitest'
import { createSession } from './session.ts'
import { targets } from './targets.ts'

// A short walk each, the same every time; `node scripts/fuzz.ts` goes on for as long as one likes.
const inputs = 400

describe('no input breaks', () => {
  test.each(targets.map((target) => [target.name, target] as const))('%s', (_name, target) => {
    const session = createSession(target, 7)
    let input: Buffer = Buffer.alloc(0)
    try {
      for (let at = 0; at < inputs; at++)
        session.step((next) => {
          input = next
        })
    } catch (error) {
      throw new Error(`${(error as Error).stack ?? ''}\ninput: ${input.toString('base64').slice(0, 4000)}`, { cause: error })
    }
    expect(session.kept).toBeGreaterThan(0)
  })
})
