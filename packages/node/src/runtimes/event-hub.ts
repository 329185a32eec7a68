import type { RuntimeEvent } from './runtime.ts'

/** Passes events on to whoever listens now. */
export interface EventHub {
  emit(event: RuntimeEvent): void
  listen(signal: AbortSignal): AsyncIterable<RuntimeEvent>
}

export const createEventHub = (): EventHub => {
  const listeners = new Set<(event: RuntimeEvent) => void>()
  return {
    emit: (event) => {
      for (const listener of listeners) listener(event)
    },
    listen: (signal) => {
      const waiting: RuntimeEvent[] = []
      let wake = Promise.withResolvers<void>()
      const listener = (event: RuntimeEvent) => {
        waiting.push(event)
        wake.resolve()
      }
      listeners.add(listener)
      signal.addEventListener('abort', () => wake.resolve(), { once: true })
      return (async function* () {
        try {
          while (!signal.aborted) {
            while (waiting.length > 0) yield waiting.shift() as RuntimeEvent
            if (signal.aborted) return
            wake = Promise.withResolvers<void>()
            if (waiting.length === 0) await wake.promise
          }
        } finally {
          listeners.delete(listener)
        }
      })()
    },
  }
}
