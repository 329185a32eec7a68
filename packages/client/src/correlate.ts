import type { Event } from '@skiff/api'
import { createRecent } from './recent.ts'

// The numbers are upstream's: client-go tools/record.
const aggregateAbove = 10
const aggregateIntervalMs = 600_000
const spamBurst = 25
const spamRefillMs = 300_000

/** An event before it has a name and counts. */
export type Happening = Omit<Event, 'metadata' | 'apiVersion' | 'kind' | 'count' | 'firstTimestamp' | 'lastTimestamp'>

export interface Correlated {
  readonly happening: Happening
  readonly count: number
  readonly firstMs: number
  /** The event's name when this one was written before and now only counts up. */
  readonly known: string | undefined
  /** Under what to `remember` what the server has. */
  readonly key: string
}

/**
 * Folds what happens into few events: the same text counts up, more than ten texts of one reason about one object within ten
 * minutes become one event, and an object that chatters is cut to a burst of 25 and then one in five minutes.
 */
export interface Correlator {
  /** Undefined: drop it. */
  correlate(happening: Happening, nowMs: number): Correlated | undefined
  remember(key: string, event: { readonly name: string; readonly count: number; readonly firstMs: number }): void
  forget(key: string): void
}

export const createCorrelator = (): Correlator => {
  const aggregates = createRecent<{ readonly messages: Set<string>; readonly lastMs: number }>()
  const written = createRecent<{ readonly name: string; readonly count: number; readonly firstMs: number }>()
  const buckets = createRecent<{ readonly tokens: number; readonly atMs: number }>()

  const aggregate = (happening: Happening, nowMs: number): { happening: Happening; key: string } => {
    const group = keyFrom(aboutOf(happening), [happening.type, happening.reason, happening.reportingComponent, happening.reportingInstance])
    const held = aggregates.get(group)
    const messages = held && nowMs - held.lastMs <= aggregateIntervalMs ? held.messages : new Set<string>()
    messages.add(happening.message ?? '')
    aggregates.set(group, { messages, lastMs: nowMs })
    if (messages.size < aggregateAbove)
      return {
        happening,
        key: keyFrom(aboutOf(happening), [happening.involvedObject.fieldPath, happening.type, happening.reason, happening.message]),
      }
    // The set stays one below the limit, so that the next text tips it over again.
    for (const message of messages) {
      messages.delete(message)
      break
    }
    return { happening: { ...happening, message: `(combined from similar events): ${happening.message ?? ''}` }, key: group }
  }
  const isSpam = (happening: Happening, nowMs: number): boolean => {
    const key = keyFrom(aboutOf(happening), [])
    const held = buckets.get(key) ?? { tokens: spamBurst, atMs: nowMs }
    const tokens = Math.min(spamBurst, held.tokens + (nowMs - held.atMs) / spamRefillMs)
    buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs })
    return tokens < 1
  }
  return {
    correlate: (raw, nowMs) => {
      const { happening, key } = aggregate(raw, nowMs)
      const before = written.get(key)
      if (isSpam(happening, nowMs)) return undefined
      return { happening, key, count: (before?.count ?? 0) + 1, firstMs: before?.firstMs ?? nowMs, known: before?.name }
    },
    remember: (key, event) => written.set(key, event),
    forget: (key) => written.delete(key),
  }
}

const aboutOf = ({ source, involvedObject: about }: Happening): readonly (string | undefined)[] => [
  source?.component,
  source?.host,
  about.kind,
  about.namespace,
  about.name,
  about.uid,
  about.apiVersion,
]
const keyFrom = (about: readonly (string | undefined)[], rest: readonly (string | undefined)[]): string =>
  [...about, ...rest].map((part) => part ?? '').join('\u0000')
