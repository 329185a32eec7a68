import type { Handler } from '@skiff/client'
import type { Part } from '../world/world.ts'

/** Networks that fail: for a part that is cut off, calls are refused, or nobody answers them until the network is back. */
export interface Cuts {
  guard(part: Part, handler: Handler): Handler
  cut(part: Part, isSilent: boolean): void
  mend(part: Part): void
}

interface Cut {
  readonly isSilent: boolean
  readonly mended: Promise<void>
  readonly mend: () => void
}

export const createCuts = (): Cuts => {
  const cuts = new Map<Part, Cut>()
  return {
    guard: (part, handler) => async (call) => {
      const cut = cuts.get(part)
      if (!cut) return handler(call)
      if (cut.isSilent) await cut.mended
      throw new Error(cut.isSilent ? 'i/o timeout' : 'no route to host')
    },
    cut: (part, isSilent) => {
      if (cuts.has(part)) return
      const { promise, resolve } = Promise.withResolvers<void>()
      cuts.set(part, { isSilent, mended: promise, mend: resolve })
    },
    mend: (part) => {
      cuts.get(part)?.mend()
      cuts.delete(part)
    },
  }
}
