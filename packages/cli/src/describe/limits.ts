import { limitRange, resourceQuota } from '@skiff/api'
import {
  isRefusal,
  type JsonObject,
  parseQuantity,
  quantityText as printQuantity,
  quantityOf,
  quantityValue,
  sortedKeys,
} from '@skiff/machinery'
import { type Dynamic, listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { conditionTable } from './ingress.ts'
import { line, nameLine, nameLines, quantityText, tagLines } from './lines.ts'
import type { Describer } from './look.ts'

const scopeHelp: Readonly<Record<string, string>> = {
  Terminating:
    'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
  NotTerminating:
    'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
  BestEffort: 'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
  NotBestEffort:
    'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
}

const scopeLines = (quota: Dynamic, lead: string): string[] => {
  const scopes = [...textsAt(quota, 'spec.scopes')].sort()
  if (scopes.length === 0) return []
  return [
    `${lead}Scopes:\t${scopes.join(', ')}`,
    ...scopes.filter((scope) => Object.hasOwn(scopeHelp, scope)).map((scope) => `${lead || ' '}* ${scopeHelp[scope]}`),
  ]
}

/** What is used, in the format of the limit. */
const usedText = (used: unknown, hard: unknown): string => {
  if (used === undefined) return '0'
  const [amount, limit] = [parseQuantity(String(used)), parseQuantity(String(hard))]
  return amount.format === limit.format ? quantityText(String(used)) : printQuantity(quantityOf(quantityValue(amount), limit.format))
}

const usageLines = (quota: Dynamic, lead: string): string[] => {
  const [hard, used] = [mapAt(quota, 'status.hard'), mapAt(quota, 'status.used')]
  return sortedKeys(hard).map((name) => `${lead}${name}\t${usedText(used[name], hard[name])}\t${quantityText(hard[name])}`)
}

export const describeResourceQuota: Describer = async (quota) => [
  ...nameLines(quota),
  ...scopeLines(quota, ''),
  'Resource\tUsed\tHard',
  '--------\t----\t----',
  ...usageLines(quota, ''),
]

const quotasLines = (quotas: readonly Dynamic[]): string[] => {
  if (quotas.length === 0) return ['No resource quota.']
  const sorted = [...quotas].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const table = sorted.flatMap((quota) => [
    `  Name:\t${quota.metadata.name}`,
    ...scopeLines(quota, '  '),
    '  Resource\tUsed\tHard',
    '  --------\t---\t---',
    ...usageLines(quota, '  '),
  ])
  return ['Resource Quotas', ...table]
}

const limitHeader = 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio'
const limitRule = '----\t--------\t---\t---\t---------------\t-------------\t-----------------------'
const limitColumns = ['min', 'max', 'defaultRequest', 'default', 'maxLimitRequestRatio']

const limitRows = (range: Dynamic, lead: string): string[] =>
  listAt(range, 'spec.limits').flatMap((item: JsonObject) => {
    const names = [...new Set(limitColumns.flatMap((column) => Object.keys(mapAt(item, column))))].sort()
    return names.map((name) => {
      const cells = limitColumns
        .map((column) => mapAt(item, column)[name])
        .map((value) => (value === undefined ? '-' : quantityText(value)))
      return `${lead}${[textAt(item, 'type'), name, ...cells].join('\t')}`
    })
  })

export const describeLimitRange: Describer = async (range) => [...nameLines(range), limitHeader, limitRule, ...limitRows(range, '')]

const limitsLines = (ranges: readonly Dynamic[]): string[] =>
  ranges.length === 0
    ? ['No LimitRange resource.']
    : ['Resource Limits', ` ${limitHeader}`, ` ${limitRule}`, ...ranges.flatMap((range) => limitRows(range, ' '))]

export const describeNamespace: Describer = async (namespace, look) => {
  const { name } = namespace.metadata
  const conditions = listAt(namespace, 'status.conditions')
  const ifServed = async (resource: typeof resourceQuota | typeof limitRange): Promise<readonly Dynamic[] | undefined> =>
    look.list(resource, name).catch((error) => {
      if (isRefusal(error, 404)) return undefined
      throw error
    })
  const [quotas, ranges] = [await ifServed(resourceQuota), await ifServed(limitRange)]
  return [
    nameLine(namespace),
    ...tagLines(namespace),
    `Status:\t${textAt(namespace, 'status.phase')}`,
    ...(conditions.length === 0 ? [] : [line(0, 'Conditions:'), ...conditionTable(conditions)]),
    ...(quotas ? ['', ...quotasLines(quotas)] : []),
    ...(ranges ? ['', ...limitsLines(ranges)] : []),
  ]
}
