/** A size that was recommended before any limit, and when. */
export interface Recommendation {
  readonly replicas: number
  readonly atMs: number
}
/** By how many replicas a target was scaled, and when. */
export interface ScaleChange {
  readonly by: number
  readonly atMs: number
}

/** What a plan has to know of those before it. Lost when another process leads, as upstream's is. */
export interface Memory {
  readonly recommendations: readonly Recommendation[]
  readonly ups: readonly ScaleChange[]
  readonly downs: readonly ScaleChange[]
}

/** Of an autoscaler seen for the first time: the size that it found counts as recommended. */
export const firstMemory = (replicas: number, nowMs: number): Memory => ({
  recommendations: [{ replicas, atMs: nowMs }],
  ups: [],
  downs: [],
})

/** How many replicas were added or taken within the period that ends now. */
export const changedWithin = (changes: readonly ScaleChange[], periodSeconds: number, nowMs: number): number =>
  changes.reduce((sum, { by, atMs }) => (atMs > nowMs - periodSeconds * 1_000 ? sum + by : sum), 0)

/** Adds a recommendation and forgets those older than the window. */
export const recommended = (memory: Memory, replicas: number, windowMs: number, nowMs: number): Memory => ({
  ...memory,
  recommendations: [...memory.recommendations.filter(({ atMs }) => atMs >= nowMs - windowMs), { replicas, atMs: nowMs }],
})

/** Notes a change of size, for as long as a policy may ask for it. */
export const scaled = (memory: Memory, before: number, after: number, longestSeconds: number, nowMs: number): Memory => {
  const kept = (changes: readonly ScaleChange[]) => changes.filter(({ atMs }) => atMs >= nowMs - longestSeconds * 1_000)
  if (after > before) return { ...memory, ups: [...kept(memory.ups), { by: after - before, atMs: nowMs }] }
  return { ...memory, downs: [...kept(memory.downs), { by: before - after, atMs: nowMs }] }
}
