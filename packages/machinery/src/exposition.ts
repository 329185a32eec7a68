/** Label names and values, in the order in which they are written. */
export type Labels = readonly (readonly [name: string, value: string])[]

export interface Sample {
  readonly labels: Labels
  readonly value: number
  /** `_bucket`, `_sum`, `_count` of a histogram. */
  readonly suffix?: string
}

/** One metric with all its samples, as a scraper reads them. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

const escaped = (value: string): string => value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))
const labelText = (labels: Labels): string =>
  labels.length === 0 ? '' : `{${labels.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`
const numberText = (value: number): string => (value === Number.POSITIVE_INFINITY ? '+Inf' : String(value))

/** The text format of Prometheus, version 0.0.4. */
export const exposition = (families: readonly Family[]): string =>
  families
    .map(
      ({ name, help, type, samples }) =>
        `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples
          .map(({ labels, value, suffix = '' }) => `${name}${suffix}${labelText(labels)} ${numberText(value)}\n`)
          .join('')}`,
    )
    .join('')

/** Counts of durations by upper bound. Observing costs a walk over the bounds. */
export interface Histogram {
  observe(seconds: number): void
  samples(labels: Labels): readonly Sample[]
}

export const createHistogram = (bounds: readonly number[]): Histogram => {
  const counts = new Float64Array(bounds.length + 1)
  let sum = 0
  return {
    observe: (seconds) => {
      let at = 0
      while (at < bounds.length && seconds > (bounds[at] as number)) at++
      counts[at] = (counts[at] as number) + 1
      sum += seconds
    },
    samples: (labels) => {
      let total = 0
      const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, at) => {
        total += counts[at] as number
        return { labels: [...labels, ['le', numberText(bound)] as const], value: total, suffix: '_bucket' }
      })
      return [...buckets, { labels, value: sum, suffix: '_sum' }, { labels, value: total, suffix: '_count' }]
    },
  }
}
