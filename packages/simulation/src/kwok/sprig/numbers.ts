import { float, int, type Named } from './cast.ts'

/** From the first to before the last. */
const steps = (from: bigint, to: bigint, by: bigint): readonly bigint[] => {
  const found: bigint[] = []
  if (by !== 0n) for (let at = from; by > 0n ? at < to : at > to; at += by) found.push(at)
  return found
}

/** As the shell's: `LAST`, `FIRST LAST` or `FIRST STEP LAST`, the last one included. */
const counted = (ends: readonly bigint[]): readonly bigint[] => {
  const [first = 1n, last = first] = ends.length === 1 ? [1n, ends[0]] : [ends[0], ends.at(-1)]
  const by = ends.length > 2 ? (ends[1] as bigint) : last < first ? -1n : 1n
  return steps(first, by < 0n ? last - 1n : last + 1n, by)
}

export const numberFunctions: Named = [
  ['int', int],
  ['int64', int],
  ['float64', float],
  ['atoi', int],
  ['toDecimal', (value) => BigInt(Number.parseInt(String(value), 8) || 0)],
  ['add1', (value) => int(value) + 1n],
  ['add', (...values) => values.reduce<bigint>((sum, value) => sum + int(value), 0n)],
  ['sub', (a, b) => int(a) - int(b)],
  ['mul', (...values) => values.reduce<bigint>((product, value) => product * int(value), 1n)],
  ['div', (a, b) => int(a) / int(b)],
  ['mod', (a, b) => int(a) % int(b)],
  ['max', (...values) => values.map(int).reduce((best, value) => (value > best ? value : best))],
  ['min', (...values) => values.map(int).reduce((best, value) => (value < best ? value : best))],
  ['biggest', (...values) => values.map(int).reduce((best, value) => (value > best ? value : best))],
  ['maxf', (...values) => Math.max(...values.map(float))],
  ['minf', (...values) => Math.min(...values.map(float))],
  ['add1f', (value) => float(value) + 1],
  ['addf', (...values) => values.reduce<number>((sum, value) => sum + float(value), 0)],
  ['subf', (a, b) => float(a) - float(b)],
  ['mulf', (...values) => values.reduce<number>((product, value) => product * float(value), 1)],
  ['divf', (a, b) => float(a) / float(b)],
  ['floor', (value) => Math.floor(float(value))],
  ['ceil', (value) => Math.ceil(float(value))],
  ['round', (value, places) => Math.round(float(value) * 10 ** Number(int(places))) / 10 ** Number(int(places))],
  ['until', (count) => steps(0n, int(count), int(count) < 0n ? -1n : 1n)],
  ['untilStep', (from, to, by) => steps(int(from), int(to), int(by))],
  ['seq', (...ends) => counted(ends.map(int)).join(' ')],
]
