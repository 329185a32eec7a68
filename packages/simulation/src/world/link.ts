import type { Frame, Handler } from '@skiff/client'

/** A component's way to the API server, which can be cut. */
export interface Link {
  readonly handler: Handler
  /** Ends the watches that are open. Their holders open new ones. */
  cut(): void
  /** The component is dead: nothing of it arrives any more. */
  sever(): void
}

export const createLink = (handler: Handler): Link => {
  let ends = new AbortController()
  let isSevered = false
  const check = (): void => {
    if (isSevered) throw new Error('connection refused')
  }
  async function* until(watch: AsyncIterable<readonly Frame[]>, end: AbortSignal): AsyncGenerator<readonly Frame[]> {
    const frames = watch[Symbol.asyncIterator]()
    const ended = new Promise<'ended'>((resolve) => end.addEventListener('abort', () => resolve('ended'), { once: true }))
    try {
      while (!end.aborted) {
        const next = await Promise.race([frames.next(), ended])
        if (next === 'ended' || next.done) return
        yield next.value
      }
    } finally {
      // Not waited for: a watch at rest has nothing to give until it is told to stop.
      void frames.return?.()
    }
  }
  return {
    handler: async (call) => {
      check()
      const reply = await handler(call)
      check()
      return 'watch' in reply ? { ...reply, watch: until(reply.watch, ends.signal) } : reply
    },
    cut: () => {
      ends.abort()
      ends = new AbortController()
    },
    sever: () => {
      isSevered = true
      ends.abort()
    },
  }
}
