/** What a controller did since it started; every number only grows. */
export interface Metrics {
  plans: number
  writes: number
  conflicts: number
  failures: number
  /** Barriers that ended with a fresh list or had to be repeated. */
  doubts: number
}

export const createMetrics = (): Metrics => ({ plans: 0, writes: 0, conflicts: 0, failures: 0, doubts: 0 })
