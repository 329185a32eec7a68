import type { Amounts, ResourceQuota } from '@skiff/api'
import { addQuantities, compareQuantities, forbidden, type Named, quantitySign, quantityText } from '@skiff/machinery'

const printed = (amounts: Amounts, names: readonly string[]): string => names.map((name) => `${name}=${amounts[name] ?? '0'}`).join(',')

/** What a quota's status says after `delta` more; undefined when it counts none of it. Throws upstream's refusal when it does not fit. */
export const charged = (quota: ResourceQuota, delta: Amounts, what: Named, name: string): ResourceQuota | undefined => {
  const { hard = {}, used = {} } = quota.status ?? {}
  const names = Object.keys(delta)
    .filter((each) => hard[each] !== undefined)
    .sort()
  if (names.length === 0) return undefined
  const next: Record<string, string> = { ...used }
  const exceeded: string[] = []
  let changed = false
  for (const each of names) {
    const amount = delta[each] as string
    const sum = quantityText(addQuantities(used[each] ?? '0', amount))
    if (quantitySign(amount) > 0 && compareQuantities(sum, hard[each] as string) > 0) exceeded.push(each)
    if (quantitySign(amount) !== 0) changed = true
    next[each] = sum
  }
  if (exceeded.length > 0) {
    const text = `requested: ${printed(delta, exceeded)}, used: ${printed(used, exceeded)}, limited: ${printed(hard, exceeded)}`
    throw forbidden(what, name, `exceeded quota: ${quota.metadata.name}, ${text}`)
  }
  return changed ? { ...quota, status: { ...quota.status, used: next } } : undefined
}
