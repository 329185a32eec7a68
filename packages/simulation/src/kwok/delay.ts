import { type KubeObject, parseDurationMs } from '@skiff/machinery'
import type { Fields } from '../file/fields.ts'
import { compileJq, type Query } from '../jq/evaluate.ts'
import { compileSelf } from './cel.ts'

/** How long a stage waits, in ms: from its duration to its jitter duration, where that is the longer one. */
export type Delay = (object: KubeObject, chance: () => number, nowMs: number) => number

type Source = (object: KubeObject, nowMs: number) => number | undefined

export const readDelay = (delay: Fields | undefined): Delay | undefined => {
  if (!delay) return undefined
  const duration = source(delay, 'durationFrom', delay.number('durationMilliseconds') ?? 0)
  const jitter = source(delay, 'jitterDurationFrom', delay.number('jitterDurationMilliseconds'))
  return (object, chance, nowMs) => {
    const leastMs = duration(object, nowMs)
    if (leastMs === undefined) return 0
    const mostMs = jitter(object, nowMs)
    if (mostMs === undefined) return leastMs
    return mostMs <= leastMs ? mostMs : leastMs + chance() * (mostMs - leastMs)
  }
}

/** The expression of an `…From` field, of any of kwok's forms. */
export const expressionFrom = (fields: Fields, name: string): Query | undefined => {
  const from = fields.object(name)
  if (!from) return undefined
  const cel = from.object('cel')
  if (cel) return cel.reading('expression', () => celQuery(cel.text('expression') ?? cel.refuse('expression', 'is missing')))
  const text = from.text('expressionFrom') ?? from.object('jq')?.text('expression')
  const query = text ?? from.refuse('expressionFrom', 'is missing, and so are jq and cel')
  return fields.reading(name, () => compileJq(query))
}

const celQuery = (text: string): Query => {
  const found = compileSelf(text)
  return (value) => {
    const result = found(value)
    if (typeof result === 'bigint') return [Number(result)]
    return typeof result === 'string' || typeof result === 'number' ? [result] : undefined
  }
}

const source = (fields: Fields, name: string, usualMs: number | undefined): Source => {
  const query = expressionFrom(fields, name)
  if (!query) return () => usualMs
  return (object, nowMs) => {
    const [found] = query(object) ?? []
    if (typeof found !== 'string') return usualMs
    return found === '' ? undefined : (fromNowMs(found, nowMs) ?? usualMs)
  }
}

/** A point in time counts from now; else it is a duration as Go writes them. */
const fromNowMs = (text: string, nowMs: number): number | undefined => {
  const atMs = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(atMs)) return atMs - nowMs
  try {
    return parseDurationMs(text)
  } catch {
    return undefined
  }
}
