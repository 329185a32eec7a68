/** Runs tasks in the order they come, at most `width` at a time. */
export interface Lanes {
  run(task: () => Promise<void>): void
  /** Tasks that wait or run. */
  readonly busy: number
  /** Takes no more; resolves when what runs is done. What waits is forgotten. */
  stop(): Promise<void>
}

/** A task must not reject: whoever hands it in knows what a failure means. */
export const createLanes = (width: number): Lanes => {
  let waiting: (() => Promise<void>)[] = []
  let head = 0
  let running = 0
  let stopped = false
  let idle: (() => void) | undefined

  const next = (): (() => Promise<void>) | undefined => {
    const task = waiting[head]
    if (!task) return undefined
    head += 1
    if (head > 1_000 && head * 2 > waiting.length) {
      waiting = waiting.slice(head)
      head = 0
    }
    return task
  }
  const lane = async (): Promise<void> => {
    running += 1
    for (let task = next(); task; task = next()) await task()
    running -= 1
    if (running === 0) idle?.()
  }
  return {
    run: (task) => {
      if (stopped) return
      waiting.push(task)
      if (running < width) void lane()
    },
    get busy() {
      return waiting.length - head + running
    },
    stop: async () => {
      stopped = true
      waiting = []
      head = 0
      if (running > 0)
        await new Promise<void>((resolve) => {
          idle = resolve
        })
    },
  }
}
