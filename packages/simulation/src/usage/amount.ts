import { CelError, type CelNode, type CelValue, celOf, checkCel, dynType, evaluateCel, parseCel, parseTimeMs } from '@skiff/machinery'
import type { Amount } from './usage.ts'

/**
 * Compiles an expression of kwok's usage: CEL over `node`, `pod` and `container`, with `Quantity`, `Now`, `Rand`, `SinceSecond` and `UnixSecond`. Throws a
 * sentence.
 */
export const compileAmount = (source: string): Amount => {
  const node = compiled(source)
  return ({ pod, container, node: host }, { now, random }) => {
    const nowMs = now()
    try {
      const value = evaluateCel(node, {
        pod: celOf(withMaps(pod)),
        container: celOf(container),
        node: celOf(host ? withMaps(host) : null),
        [nowName]: { is: 'timestamp', nanos: BigInt(nowMs) * 1_000_000n },
        [randName]: random(),
        ...Object.fromEntries(aged.map((name) => [ageName(name), ageSeconds(name === 'pod' ? pod : host, nowMs)])),
      })
      return numberOf(value)
    } catch (error) {
      if (error instanceof CelError) return undefined
      throw error
    }
  }
}

const [nowName, randName] = ['@now', '@rand']
const aged = ['pod', 'node'] as const
const ageName = (name: string): string => `@age-${name}`
const names = ['pod', 'node', 'container', nowName, randName, ...aged.map(ageName)]

const compiled = (source: string): CelNode => {
  try {
    return checkCel(source, known(parseCel(source)), new Map(names.map((name) => [name, dynType]))).node
  } catch (error) {
    throw new Error(`expression ${JSON.stringify(source)}: ${(error as Error).message}`)
  }
}

/** Go has maps where an object has none. */
const withMaps = <T extends { readonly metadata: object }>(object: T): T => ({
  ...object,
  metadata: { labels: {}, annotations: {}, ...object.metadata },
})

const ageSeconds = (object: { readonly metadata: { readonly creationTimestamp?: string } } | undefined, nowMs: number): number =>
  object?.metadata.creationTimestamp === undefined ? 0 : (nowMs - parseTimeMs(object.metadata.creationTimestamp)) / 1_000

const numberOf = (value: CelValue): number | undefined =>
  typeof value === 'bigint' || typeof value === 'number' ? Number(value) : undefined

/** kwok's functions as what CEL has of its own. */
const known = (node: CelNode): CelNode => {
  const made = rewritten(node)
  const { at } = node
  if (made.is !== 'call') return made
  const [first] = made.target ? [made.target] : made.args
  const call = (name: string, target: CelNode | undefined, args: readonly CelNode[]): CelNode => ({ at, is: 'call', name, target, args })
  switch (made.name) {
    case 'Now':
      return { at, is: 'name', name: nowName }
    case 'Rand':
      return { at, is: 'name', name: randName }
    case 'Quantity':
      return first ? call('asApproximateFloat', call('quantity', undefined, [first]), []) : made
    case 'UnixSecond':
      return first ? call('double', undefined, [call('int', undefined, [call('timestamp', undefined, [first])])]) : made
    case 'SinceSecond':
      return first?.is === 'name' && names.includes(ageName(first.name)) ? { at, is: 'name', name: ageName(first.name) } : made
    default:
      return made
  }
}

const rewritten = (node: CelNode): CelNode => {
  switch (node.is) {
    case 'literal':
    case 'name':
      return node
    case 'select':
    case 'not':
    case 'minus':
      return { ...node, of: known(node.of) }
    case 'index':
      return { ...node, of: known(node.of), index: known(node.index) }
    case 'call':
      return { ...node, target: node.target && known(node.target), args: node.args.map(known) }
    case 'list':
      return { ...node, items: node.items.map(known) }
    case 'map':
      return { ...node, entries: node.entries.map(([key, value]) => [known(key), known(value)] as const) }
    case 'and':
    case 'or':
    case 'binary':
      return { ...node, left: known(node.left), right: known(node.right) }
    case 'if':
      // biome-ignore lint/suspicious/noThenProperty: the node of an expression, which is never awaited.
      return { ...node, test: known(node.test), then: known(node.then), otherwise: known(node.otherwise) }
  }
}
