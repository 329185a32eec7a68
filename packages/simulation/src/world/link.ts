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
    let cut = (): void => {}
    end.addEventListener('abort', () => cut(), { once: true })
    // Not a race with one promise for the end: that would keep every wait until then.
    const next = (): Promise<IteratorResult<readonly Frame[]> | undefined> =>
      new Promise((resolve, reject) => {
        cut = () => resolve(undefined)
        frames.next().then(resolve, reject)
      })
    try {
      while (!end.aborted) {
        const frame = await next()
        if (!frame || frame.done) return
        yield frame.value
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
