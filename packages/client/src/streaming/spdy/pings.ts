import type { Output } from './output.ts'

/** Pings that wait for their answers. */
export interface Pings {
  send(): Promise<void>
  answered(id: number): void
  /** The session is over: nobody answers any more, and nobody shall wait. */
  end(): void
}

/** Ids are odd for a client and even for a server. */
export const createPings = (output: Output, firstId: number): Pings => {
  const waiting = new Map<number, () => void>()
  let nextId = firstId
  let over = false
  const answered = (id: number): void => {
    waiting.get(id)?.()
    waiting.delete(id)
  }
  return {
    send() {
      if (over) return Promise.resolve()
      const id = nextId
      nextId += 2
      const answer = new Promise<void>((resolve) => waiting.set(id, resolve))
      output.frame({ type: 'ping', id })
      return answer
    },
    answered,
    end() {
      over = true
      for (const id of [...waiting.keys()]) answered(id)
    },
  }
}
