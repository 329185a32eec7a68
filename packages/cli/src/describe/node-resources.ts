import { type JsonObject, milliValue, parseQuantity, quantityText as printQuantity, type Quantity, quantityValue } from '@skiff/machinery'
import { mapAt, textAt } from '../objects/fields.ts'
import { line, quantityText } from './lines.ts'
import { type Amounts, addAmounts, podAmounts } from './pod-amounts.ts'
import { sinceText } from './times.ts'

const zero = parseQuantity('0')
const text = (amount: Quantity | undefined): string => quantityText(printQuantity(amount ?? zero))

// What Go makes of a quotient by zero when it becomes an int64.
const noNumber = '-9223372036854775808'
const percent = (part: number, whole: number): string => {
  const share = (part / whole) * 100
  return Number.isFinite(share) ? String(Math.trunc(share)) : noNumber
}

const sizeOf = (name: string, amount: Quantity | undefined): number =>
  name === 'cpu' ? milliValue(amount ?? zero) : quantityValue(amount ?? zero)

/** `100m (5%)`: an amount and its share of what the node has. */
const shareText = (name: string, amount: Quantity | undefined, has: Quantity | undefined, zeroSafe: boolean): string => {
  const whole = sizeOf(name, has)
  return `${text(amount)} (${zeroSafe && whole === 0 ? '0' : percent(sizeOf(name, amount), whole)}%)`
}

const podLine = (pod: JsonObject, has: Amounts, nowMs: number): string => {
  const [requests, limits] = [podAmounts(pod, 'requests'), podAmounts(pod, 'limits')]
  const shares = ['cpu', 'memory'].flatMap((name) =>
    [requests, limits].map((side) => shareText(name, side.get(name), has.get(name), false)),
  )
  const age = sinceText(textAt(pod, 'metadata.creationTimestamp'), nowMs)
  return line(1, `${textAt(pod, 'metadata.namespace')}\t${textAt(pod, 'metadata.name')}\t\t${shares.join('\t')}\t${age}`)
}

const standard = new Set(['cpu', 'memory', 'ephemeral-storage', 'pods'])
const isHugePages = (name: string): boolean => name.startsWith('hugepages-')

/** The pods of a node, and what of it they have reserved. */
export const nodeResourceLines = (node: JsonObject, pods: readonly JsonObject[], nowMs: number): string[] => {
  const allocatable = mapAt(node, 'status.allocatable')
  const amounts = Object.keys(allocatable).length > 0 ? allocatable : mapAt(node, 'status.capacity')
  const has: Amounts = new Map(Object.entries(amounts).map(([name, value]) => [name, parseQuantity(String(value))]))
  const [requests, limits]: [Amounts, Amounts] = [new Map(), new Map()]
  for (const pod of pods) {
    addAmounts(requests, podAmounts(pod, 'requests'))
    addAmounts(limits, podAmounts(pod, 'limits'))
  }
  const names = [...has.keys()].sort()
  const shared = ['cpu', 'memory', 'ephemeral-storage', ...names.filter(isHugePages)]
  const extended = names.filter((name) => !standard.has(name) && !isHugePages(name))
  return [
    `Non-terminated Pods:\t(${pods.length} in total)`,
    line(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge'),
    line(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---'),
    ...pods.map((pod) => podLine(pod, has, nowMs)),
    'Allocated resources:',
    line(1, '(Total limits may be over 100 percent, i.e., overcommitted.)'),
    line(1, 'Resource\tRequests\tLimits'),
    line(1, '--------\t--------\t------'),
    ...shared.map((name) =>
      line(1, [name, ...[requests, limits].map((side) => shareText(name, side.get(name), has.get(name), true))].join('\t')),
    ),
    ...extended.map((name) => line(1, [name, text(requests.get(name)), text(limits.get(name))].join('\t'))),
  ]
}
