import { arithmetic, compareCel, contains, equal, numberOf } from './operators.ts'
import { stringFunctions } from './strings.ts'
import { CelError, type CelFunction, type CelValue, isList, noOverload } from './value.ts'

const list = (value: CelValue | undefined): readonly CelValue[] =>
  isList(value as CelValue) ? (value as readonly CelValue[]) : noOverload()
const whole = (value: CelValue | undefined): number => (typeof value === 'bigint' ? Number(value) : noOverload())

const best =
  (sign: 1 | -1, name: string): CelFunction =>
  ([of]) => {
    const items = list(of)
    if (items.length === 0) throw new CelError(`${name} called on empty list`)
    return items.reduce((a, b) => (compareCel(b, a) * sign > 0 ? b : a))
  }

const textOrList =
  (name: string, onList: (items: readonly CelValue[], item: CelValue) => number): CelFunction =>
  (args, isMethod) =>
    isList(args[0] as CelValue)
      ? BigInt(onList(list(args[0]), args[1] as CelValue))
      : (stringFunctions[`string.${name}`] as CelFunction)(args, isMethod)

const distinct = (items: readonly CelValue[]): readonly CelValue[] =>
  items.filter((item, index) => items.findIndex((each) => equal(each, item)) === index)

const flattened = (items: readonly CelValue[], depth: number): readonly CelValue[] =>
  items.flatMap((item) => (isList(item) ? (depth > 1 ? flattened(item, depth - 1) : item) : [item]))

const numbers = (args: readonly CelValue[]): readonly CelValue[] => {
  const given = args.length === 1 && isList(args[0] as CelValue) ? list(args[0]) : args
  return given.every((each) => numberOf(each) !== undefined) ? given : noOverload()
}

export const listFunctions: Readonly<Record<string, CelFunction>> = {
  indexOf: textOrList('indexOf', (items, item) => items.findIndex((each) => equal(each, item))),
  lastIndexOf: textOrList('lastIndexOf', (items, item) => items.findLastIndex((each) => equal(each, item))),
  isSorted: ([of]) => list(of).every((item, index, all) => index === 0 || compareCel(all[index - 1] as CelValue, item) <= 0),
  sum: ([of]) => list(of).reduce((a, b) => arithmetic('+', a, b), startOf(list(of))),
  min: best(-1, 'min'),
  max: best(1, 'max'),
  join: ([of, separator = '']) => {
    const items = list(of)
    return items.every((item) => typeof item === 'string') ? items.join(separator as string) : noOverload()
  },
  reverse: ([of]) => (typeof of === 'string' ? [...of].reverse().join('') : [...list(of)].reverse()),
  slice: ([of, from, to]) => {
    const items = list(of)
    const start = whole(from)
    const end = whole(to)
    if (start < 0 || end < start || end > items.length) throw new CelError(`cannot slice(${start}, ${end}), list is length ${items.length}`)
    return items.slice(start, end)
  },
  flatten: ([of, depth]) => flattened(list(of), depth === undefined ? 1 : whole(depth)),
  distinct: ([of]) => distinct(list(of)),
  sort: ([of]) => [...list(of)].sort(compareCel),
  'lists.range': ([count]) => Array.from({ length: whole(count) }, (_, index) => BigInt(index)),
  'sets.contains': ([of, items]) => list(items).every((item) => contains(item, list(of))),
  'sets.equivalent': ([a, b]) => list(a).every((item) => contains(item, list(b))) && list(b).every((item) => contains(item, list(a))),
  'sets.intersects': ([a, b]) => list(a).some((item) => contains(item, list(b))),
  'math.greatest': (args) => best(1, 'math.greatest')([numbers(args)], false),
  'math.least': (args) => best(-1, 'math.least')([numbers(args)], false),
  'math.abs': ([value]) =>
    typeof value === 'bigint' ? (value < 0n ? -value : value) : typeof value === 'number' ? Math.abs(value) : noOverload(),
  'math.ceil': ([value]) => (typeof value === 'number' ? Math.ceil(value) : noOverload()),
  'math.floor': ([value]) => (typeof value === 'number' ? Math.floor(value) : noOverload()),
  'math.round': ([value]) => (typeof value === 'number' ? Math.sign(value) * Math.round(Math.abs(value)) : noOverload()),
  'math.trunc': ([value]) => (typeof value === 'number' ? Math.trunc(value) : noOverload()),
}

/** The sum of nothing has the type of an int. */
const startOf = (items: readonly CelValue[]): CelValue => {
  const [first] = items
  if (typeof first === 'number') return 0
  if (first === undefined || typeof first === 'bigint') return 0n
  return arithmetic('-', first, first)
}
