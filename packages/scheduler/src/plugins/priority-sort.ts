/** QueueSort: higher priority first, then who waits longer; the sequence settles equal instants. */
export interface Waiting {
  readonly priority: number
  readonly sinceMs: number
  readonly sequence: number
}

export const goesFirst = (a: Waiting, b: Waiting): boolean => {
  if (a.priority !== b.priority) return a.priority > b.priority
  return a.sinceMs === b.sinceMs ? a.sequence < b.sequence : a.sinceMs < b.sinceMs
}
