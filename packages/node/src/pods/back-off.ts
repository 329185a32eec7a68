/** A delay that doubles with every failure, remembered since its last change. */
export interface BackOff {
  readonly delayMs: number
  readonly sinceMs: number
}

// Upstream's limits for restarts and for image pulls alike.
const firstMs = 10_000
const maxMs = 300_000

/** A failure this long after the last change starts from the first delay again. */
const forgetMs = 2 * maxMs

/** Until when a retry after a failure at `failedMs` must wait; undefined when it need not. */
export const heldUntil = (entry: BackOff | undefined, failedMs: number, nowMs: number): number | undefined => {
  if (!entry || failedMs - entry.sinceMs > forgetMs) return undefined
  const untilMs = failedMs + entry.delayMs
  return nowMs < untilMs ? untilMs : undefined
}

/** What to remember when a retry goes ahead. */
export const grown = (entry: BackOff | undefined, failedMs: number, nowMs: number): BackOff =>
  !entry || failedMs - entry.sinceMs > forgetMs
    ? { delayMs: firstMs, sinceMs: nowMs }
    : { delayMs: Math.min(entry.delayMs * 2, maxMs), sinceMs: nowMs }
