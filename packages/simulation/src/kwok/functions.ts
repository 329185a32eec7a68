import { createHash } from 'node:crypto'
import { compilePattern, dumpYaml, isTemplateTrue, type TemplateFunction, type TemplateValue, templateText } from '@skiff/machinery'

type Value = TemplateValue
type Map = { readonly [key: string]: Value }

const fail = (message: string): never => {
  throw new Error(message)
}
const isMap = (value: Value): value is Map => typeof value === 'object' && value !== null && !Array.isArray(value)
const list = (value: Value): readonly Value[] =>
  Array.isArray(value) ? (value as readonly Value[]) : value === undefined || value === null ? [] : fail('no list')
const map = (value: Value): Map => (isMap(value) ? value : value === undefined || value === null ? {} : fail('no map'))
const text = (value: Value): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : templateText(value)

/** As sprig's toInt64: what is no number counts as 0. */
const int = (value: Value): bigint => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return BigInt(Math.trunc(value))
  if (typeof value === 'boolean') return value ? 1n : 0n
  return typeof value === 'string' && /^[+-]?\d+$/.test(value) ? BigInt(value) : 0n
}
const float = (value: Value): number =>
  typeof value === 'string' ? Number(value) || 0 : typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0

/** Numbers are Go's float64 in a template's data, and must not come out as 1e+06 in YAML. */
const plain = (value: Value): unknown => {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return (value as readonly Value[]).map(plain)
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each as Value)]))
  return value ?? null
}

const quote = (value: Value): string => {
  const json = JSON.stringify(plain(value))
  return json.startsWith('"') ? json : JSON.stringify(json)
}

/** Indented by `levels` of two blanks, beginning on a line of its own, so that it can follow a key. */
const yaml = ([value, levels]: readonly Value[]): string => {
  const plainText = dumpYaml(plain(value))
  const pad = '  '.repeat(Number(levels ?? 0))
  return pad === '' ? plainText : `\n${plainText}`.replaceAll('\n', `\n${pad}`)
}

const indent = (value: Value, by: Value): string => {
  const pad = ' '.repeat(Number(int(by)))
  return pad + text(value).replaceAll('\n', `\n${pad}`)
}

const dict = (pairs: readonly Value[]): Value => {
  const result: { [key: string]: Value } = Object.create(null)
  for (let i = 0; i < pairs.length; i += 2) result[text(pairs[i])] = pairs[i + 1] ?? ''
  return result
}

const texts: readonly (readonly [string, (...values: readonly Value[]) => Value])[] = [
  ['quote', (...values) => values.map((value) => JSON.stringify(text(value))).join(' ')],
  ['squote', (...values) => values.map((value) => `'${text(value)}'`).join(' ')],
  ['upper', (value) => text(value).toUpperCase()],
  ['lower', (value) => text(value).toLowerCase()],
  ['trim', (value) => text(value).trim()],
  ['trimAll', (cut, value) => text(value).split(text(cut)).join('')],
  ['trimPrefix', (cut, value) => (text(value).startsWith(text(cut)) ? text(value).slice(text(cut).length) : text(value))],
  [
    'trimSuffix',
    (cut, value) => (text(value).endsWith(text(cut)) ? text(value).slice(0, text(value).length - text(cut).length) : text(value)),
  ],
  ['replace', (from, to, value) => text(value).replaceAll(text(from), text(to))],
  ['contains', (part, value) => text(value).includes(text(part))],
  ['hasPrefix', (part, value) => text(value).startsWith(text(part))],
  ['hasSuffix', (part, value) => text(value).endsWith(text(part))],
  ['trunc', (length, value) => (int(length) < 0n ? text(value).slice(Number(int(length))) : text(value).slice(0, Number(int(length))))],
  ['substr', (from, to, value) => text(value).slice(Number(int(from)), int(to) < 0n ? undefined : Number(int(to)))],
  ['repeat', (count, value) => text(value).repeat(Number(int(count)))],
  ['nospace', (value) => text(value).replace(/\s/g, '')],
  ['indent', (by, value) => indent(value, by)],
  ['nindent', (by, value) => `\n${indent(value, by)}`],
  ['regexMatch', (pattern, value) => compilePattern(text(pattern))(text(value))],
  ['b64enc', (value) => Buffer.from(text(value)).toString('base64')],
  ['b64dec', (value) => Buffer.from(text(value), 'base64').toString()],
  ['sha256sum', (value) => createHash('sha256').update(text(value)).digest('hex')],
  ['sha1sum', (value) => createHash('sha1').update(text(value)).digest('hex')],
  ['toString', (value) => text(value)],
  ['toJson', (value) => JSON.stringify(plain(value))],
  ['fromJson', (value) => JSON.parse(text(value)) as Value],
  ['toYaml', (value) => dumpYaml(plain(value)).trimEnd()],
  ['splitList', (by, value) => text(value).split(text(by))],
  ['join', (by, values) => list(values).map(text).join(text(by))],
]

const numbers: readonly (readonly [string, (...values: readonly Value[]) => Value])[] = [
  ['int', int],
  ['int64', int],
  ['float64', float],
  ['add1', (value) => int(value) + 1n],
  ['add', (...values) => values.reduce<bigint>((sum, value) => sum + int(value), 0n)],
  ['sub', (a, b) => int(a) - int(b)],
  ['mul', (...values) => values.reduce<bigint>((product, value) => product * int(value), 1n)],
  ['div', (a, b) => int(a) / int(b)],
  ['mod', (a, b) => int(a) % int(b)],
  ['max', (...values) => values.map(int).reduce((best, value) => (value > best ? value : best))],
  ['min', (...values) => values.map(int).reduce((best, value) => (value < best ? value : best))],
  ['addf', (...values) => values.reduce<number>((sum, value) => sum + float(value), 0)],
  ['subf', (a, b) => float(a) - float(b)],
  ['mulf', (...values) => values.reduce<number>((product, value) => product * float(value), 1)],
  ['divf', (a, b) => float(a) / float(b)],
  ['floor', (value) => Math.floor(float(value))],
  ['ceil', (value) => Math.ceil(float(value))],
  ['round', (value, places) => Math.round(float(value) * 10 ** Number(int(places))) / 10 ** Number(int(places))],
  ['until', (count) => Array.from({ length: Number(int(count)) }, (_, i) => BigInt(i))],
]

const values: readonly (readonly [string, (...values: readonly Value[]) => Value])[] = [
  ['default', (usual, value) => (isTemplateTrue(value) ? value : usual)],
  ['empty', (value) => !isTemplateTrue(value)],
  ['coalesce', (...all) => all.find(isTemplateTrue) ?? null],
  ['ternary', (yes, no, test) => (test === true ? yes : no)],
  ['dict', (...pairs) => dict(pairs)],
  ['list', (...all) => all],
  ['get', (from, key) => (Object.hasOwn(map(from), text(key)) ? map(from)[text(key)] : '')],
  ['hasKey', (from, key) => Object.hasOwn(map(from), text(key))],
  ['keys', (...maps) => maps.flatMap((each) => Object.keys(map(each)))],
  ['values', (from) => Object.values(map(from))],
  ['merge', (...maps) => Object.assign(Object.create(null), ...maps.map(map).reverse()) as Value],
  [
    'dig',
    (...path) =>
      path
        .slice(0, -2)
        .reduce<Value>((from, key) => (isMap(from) && Object.hasOwn(from, text(key)) ? from[text(key)] : undefined), path.at(-1)) ??
      path.at(-2),
  ],
  ['first', (all) => list(all)[0]],
  ['last', (all) => list(all).at(-1)],
  ['rest', (all) => list(all).slice(1)],
  ['append', (all, one) => [...list(all), one]],
  ['has', (one, all) => list(all).some((each) => each === one)],
  ['uniq', (all) => [...new Set(list(all))]],
  ['kindOf', (value) => (isMap(value) ? 'map' : Array.isArray(value) ? 'slice' : typeof value)],
]

/** Conditions of a node that is well, as kwok lists them. */
const nodeConditions: Value = [
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['NetworkUnavailable', 'False', 'RouteCreated', 'RouteController created a route'],
].map(([type, status, reason, message]) => ({ type, status, reason, message }) as Value)

/** What templates ask of the cluster around them. */
export interface TemplateSurroundings {
  now(): number
  random(): number
  nodeIP(nodeName: string): string
  /** The address of a pod of this node, taken for it when it has none. */
  podIP(nodeName: string, hostNetwork: boolean, uid: string, held: string | undefined): string
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** kwok's own functions, and those of sprig that stages use. `current` is the object that is rendered. */
export const kwokFunctions = (around: TemplateSurroundings, current: () => Value): ReadonlyMap<string, TemplateFunction> => {
  const time = (): string => new Date(around.now()).toISOString()
  const started = time()
  const field = (...path: readonly string[]): Value => path.reduce<Value>((from, key) => (isMap(from) ? from[key] : undefined), current())
  const heldIP = (): string | undefined => text(field('status', 'podIP')) || undefined
  const between = (low: bigint, high: bigint): bigint => low + BigInt(Math.floor(around.random() * Number(high - low)))
  const own: readonly (readonly [string, (...values: readonly Value[]) => Value])[] = [
    ['Quote', quote],
    ['Now', time],
    ['now', time],
    ['StartTime', () => started],
    ['YAML', (...all) => yaml(all)],
    ['Version', () => 'skiff'],
    ['NodeConditions', () => nodeConditions],
    ['NodeName', () => field('metadata', 'name')],
    ['NodeIP', () => around.nodeIP(text(field('metadata', 'name')))],
    ['NodePort', () => 0n],
    ['NodeIPWith', (name) => around.nodeIP(text(name))],
    [
      'PodIP',
      () => around.podIP(text(field('spec', 'nodeName')), field('spec', 'hostNetwork') === true, text(field('metadata', 'uid')), heldIP()),
    ],
    ['PodIPWith', (name, hostNetwork, uid) => around.podIP(text(name), hostNetwork === true, text(uid), heldIP())],
    ['randInt', (low, high) => between(int(low), int(high))],
    [
      'randAlphaNum',
      (length) => Array.from({ length: Number(int(length)) }, () => alphabet[Math.floor(around.random() * alphabet.length)]).join(''),
    ],
  ]
  return new Map([...texts, ...numbers, ...values, ...own].map(([name, act]) => [name, (all: readonly Value[]) => act(...all)] as const))
}
