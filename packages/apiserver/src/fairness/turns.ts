import type { Env } from '@skiff/machinery'

/** How long requests are begun in one turn of the event loop before the rest waits for the next, where the fair queues decide. */
const turnMs = 8

export interface Turns {
  /** Whether this turn of the event loop still has time for another request. */
  hasTime(): boolean
}

/** Processor time counts, where the clock says that it might be too much: what others on the machine take is not the requests'. */
export const createTurns = (env: Env): Turns => {
  let beganMs = 0
  let beganCpuMs = 0
  let running = false
  const end = () => {
    running = false
  }
  return {
    hasTime: () => {
      if (running) return env.monotonicMs() - beganMs < turnMs || threadCpuMs() - beganCpuMs < turnMs
      running = true
      beganMs = env.monotonicMs()
      beganCpuMs = threadCpuMs()
      setImmediate(end)
      return true
    },
  }
}

const threadCpuMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
