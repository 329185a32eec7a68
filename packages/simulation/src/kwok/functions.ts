import { dumpYaml, type TemplateFunction } from '@skiff/machinery'
import { int, isMap, type Named, plain, text, type Value } from './sprig/cast.ts'
import { numberFunctions } from './sprig/numbers.ts'
import { textFunctions } from './sprig/texts.ts'
import { timeFunctions } from './sprig/times.ts'
import { valueFunctions } from './sprig/values.ts'

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

const letters = 'abcdefghijklmnopqrstuvwxyz'
const digits = '0123456789'

/** kwok's own functions, and those of sprig that stages use. `current` is the object that is rendered. */
export const kwokFunctions = (around: TemplateSurroundings, current: () => Value): ReadonlyMap<string, TemplateFunction> => {
  const time = (): string => new Date(around.now()).toISOString()
  const started = time()
  const field = (...path: readonly string[]): Value => path.reduce<Value>((from, key) => (isMap(from) ? from[key] : undefined), current())
  const heldIP = (): string | undefined => text(field('status', 'podIP')) || undefined
  const between = (low: bigint, high: bigint): bigint => low + BigInt(Math.floor(around.random() * Number(high - low)))
  const drawn = (alphabet: string, length: Value): string =>
    Array.from({ length: Number(int(length)) }, () => alphabet[Math.floor(around.random() * alphabet.length)]).join('')
  const hex = (length: number): string => drawn('0123456789abcdef', length)
  const own: Named = [
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
    ['randAlphaNum', (length) => drawn(letters + digits, length)],
    ['randAlpha', (length) => drawn(letters, length)],
    ['randNumeric', (length) => drawn(digits, length)],
    ['uuidv4', () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`],
  ]
  return new Map(
    [...textFunctions, ...numberFunctions, ...valueFunctions, ...timeFunctions(around.now), ...own].map(
      ([name, act]) => [name, (all: readonly Value[]) => act(...all)] as const,
    ),
  )
}
