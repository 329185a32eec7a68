import type { Json } from '@skiff/machinery'
import { compare, compute, fail, isMap, isTrue, items, list, mapOf, numberOf } from './values.ts'

/** An argument that is an expression of its own. */
export type Closure = (input: Json) => readonly Json[]
type ClosureFunction = (input: Json, ...args: readonly Closure[]) => readonly Json[]

const all = (closures: readonly Closure[]): readonly [Closure, Closure, Closure] => {
  const none: Closure = () => []
  return [closures[0] ?? none, closures[1] ?? none, closures[2] ?? none]
}

/** Those of one key together, in the order of their keys. */
const grouped = (input: Json, by: Closure): readonly (readonly Json[])[] => {
  const keyed = list(input).map((value) => ({ value, key: [...by(value)] }))
  keyed.sort((a, b) => compare(a.key, b.key))
  const groups: { readonly key: Json; readonly values: Json[] }[] = []
  for (const { value, key } of keyed) {
    const last = groups.at(-1)
    if (last && compare(last.key, key) === 0) last.values.push(value)
    else groups.push({ key, values: [value] })
  }
  return groups.map(({ values }) => values)
}

const stepsOf = (from: number, to: number, by: number): readonly number[] => {
  const found: number[] = []
  for (let at = from; by > 0 ? at < to : by < 0 && at > to; at += by) {
    if (found.length >= mostSteps) fail('too many steps')
    found.push(at)
  }
  return found
}
const mostSteps = 100_000

const ranged = (froms: readonly Json[], tos: readonly Json[], bys: readonly Json[]): readonly Json[] =>
  froms.flatMap((from) => tos.flatMap((to) => bys.flatMap((by) => stepsOf(numberOf(from), numberOf(to), numberOf(by)))))

const mapped = (input: Json, by: Closure): Json => {
  if (!isMap(input)) return list(input).flatMap((each) => by(each).slice(0, 1))
  return mapOf(
    Object.entries(input).flatMap(([key, value]) =>
      by(value)
        .slice(0, 1)
        .map((made) => [key, made] as const),
    ),
  )
}

const entries = (input: Json): readonly Json[] =>
  isMap(input) ? Object.entries(input).map(([key, value]) => ({ key, value })) : fail('has no keys')
const fromEntries = (values: readonly Json[]): Json =>
  mapOf(values.map((each) => (isMap(each) ? ([String(each.key), (each.value ?? null) as Json] as const) : fail('no entry'))))

/** Functions whose arguments are expressions, by name and how many they take. */
export const closureFunctions: Readonly<Record<string, ClosureFunction>> = {
  'select/1': (input, ...args) =>
    all(args)[0](input)
      .filter(isTrue)
      .map(() => input),
  'map/1': (input, ...args) => [items(input).flatMap((each) => all(args)[0](each))],
  'map_values/1': (input, ...args) => [mapped(input, all(args)[0])],
  'with_entries/1': (input, ...args) => [fromEntries(entries(input).flatMap((each) => all(args)[0](each)))],
  'any/1': (input, ...args) => [items(input).some((each) => all(args)[0](each).some(isTrue))],
  'all/1': (input, ...args) => [items(input).every((each) => all(args)[0](each).every(isTrue))],
  'any/2': (input, ...args) => [all(args)[0](input).some((each) => all(args)[1](each).some(isTrue))],
  'all/2': (input, ...args) => [all(args)[0](input).every((each) => all(args)[1](each).every(isTrue))],
  'first/1': (input, ...args) => all(args)[0](input).slice(0, 1),
  'last/1': (input, ...args) => all(args)[0](input).slice(-1),
  'nth/2': (input, ...args) => all(args)[0](input).flatMap((place) => all(args)[1](input).slice(numberOf(place), numberOf(place) + 1)),
  'limit/2': (input, ...args) => all(args)[0](input).flatMap((count) => all(args)[1](input).slice(0, Math.max(0, numberOf(count)))),
  'isempty/1': (input, ...args) => [all(args)[0](input).length === 0],
  'add/1': (input, ...args) => [all(args)[0](input).reduce<Json>((sum, each) => compute('+', sum, each), null)],
  'range/1': (input, ...args) => ranged([0], all(args)[0](input), [1]),
  'range/2': (input, ...args) => ranged(all(args)[0](input), all(args)[1](input), [1]),
  'range/3': (input, ...args) => ranged(all(args)[0](input), all(args)[1](input), all(args)[2](input)),
  'sort_by/1': (input, ...args) => [grouped(input, all(args)[0]).flat()],
  'group_by/1': (input, ...args) => [grouped(input, all(args)[0])],
  'unique_by/1': (input, ...args) => [grouped(input, all(args)[0]).flatMap((group) => group.slice(0, 1))],
  'min_by/1': (input, ...args) => [grouped(input, all(args)[0])[0]?.[0] ?? null],
  'max_by/1': (input, ...args) => [grouped(input, all(args)[0]).at(-1)?.at(-1) ?? null],
}
