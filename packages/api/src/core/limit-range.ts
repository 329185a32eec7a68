import {
  compareQuantities,
  duplicate,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  milliValue,
  quantityValue,
  required,
} from '@skiff/machinery'
import { addInvalid, collect, type Faults, invalidShown, isEmptyMap, keysOf } from '../checks/faults.ts'
import { goQuantity } from '../checks/go-syntax.ts'
import { allowsOvercommit, checkContainerResourceName, checkResourceName } from '../checks/resource-names.ts'
import { mapSame, withField } from '../defaults/patch.ts'
import { type ResourceList, roundResources } from '../defaults/quantities.ts'
import { limitRange as limitRangeResource } from '../generated/resources.ts'
import type { LimitRange, LimitRangeItem } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const

/** default falls back to max, defaultRequest to default and then to min. */
const defaultItem = (item: LimitRangeItem): LimitRangeItem => {
  let next = item
  for (const field of lists) {
    const list = next[field]
    if (list) next = withField(next, field, roundResources(list))
  }
  if (next.type !== 'Container') return next
  const limits = filled(next.default, next.max)
  const requests = filled(filled(next.defaultRequest, limits), next.min)
  return { ...next, ...(limits ? { default: limits } : {}), ...(requests ? { defaultRequest: requests } : {}) }
}

const filled = (list: ResourceList | undefined, from: ResourceList | undefined): ResourceList | undefined => {
  if (isEmptyMap(from)) return list
  return list === undefined ? from : { ...from, ...list }
}

const checkType = (faults: Faults, type: string, path: string): void => {
  const messages = isQualifiedName(type)
  addInvalid(faults, messages, type, path)
  if (messages.length === 0 && !type.includes('/') && !['Pod', 'Container', 'PersistentVolumeClaim'].includes(type))
    faults.push(invalidValue(path, type, 'must be a standard limit type or fully qualified'))
}

const checkItem = (faults: Faults, item: LimitRangeItem, path: string): void => {
  const type = item.type ?? ''
  const ofPod = type === 'Pod'
  for (const field of lists) {
    if (ofPod && (field === 'default' || field === 'defaultRequest')) {
      if (!isEmptyMap(item[field])) faults.push(forbiddenField(`${path}.${field}`, "may not be specified when `type` is 'Pod'"))
      continue
    }
    for (const name of keysOf(item[field])) {
      if (ofPod || type === 'Container') checkContainerResourceName(faults, name, `${path}.${field}[${name}]`)
      else checkResourceName(faults, name, `${path}.${field}[${name}]`)
    }
    if (field === 'defaultRequest' && type === 'PersistentVolumeClaim' && !item.min?.storage && !item.max?.storage)
      faults.push(required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'))
  }
  const names = new Set(lists.flatMap((field) => (ofPod && field.startsWith('default') ? [] : keysOf(item[field]))))
  for (const name of [...names].sort()) checkOrder(faults, item, name, path)
}

const above = (a: string | undefined, b: string | undefined): boolean => a !== undefined && b !== undefined && compareQuantities(a, b) > 0

const checkOrder = (faults: Faults, item: LimitRangeItem, name: string, path: string): void => {
  const ofPod = item.type === 'Pod'
  const { [name]: min } = item.min ?? {}
  const { [name]: max } = item.max ?? {}
  const limit = ofPod ? undefined : item.default?.[name]
  const request = ofPod ? undefined : item.defaultRequest?.[name]
  const { min: mins, max: maxes, default: defaults, defaultRequest: requests } = item
  // A text that one fault needed is there when the next prints the amount.
  const written = new Set<ResourceList | undefined>()
  const fault = (field: string, shown: ResourceList | undefined, other: ResourceList | undefined, text: string) => {
    faults.push(invalidShown(`${path}.${field}[${name}]`, goQuantity(shown, name, written.has(shown)), text))
    written.add(shown).add(other)
  }
  if (above(min, max)) fault('min', mins, maxes, `min value ${min} is greater than max value ${max}`)
  if (above(min, request)) fault('defaultRequest', requests, mins, `min value ${min} is greater than default request value ${request}`)
  if (above(request, max)) fault('defaultRequest', requests, maxes, `default request value ${request} is greater than max value ${max}`)
  if (above(request, limit))
    fault('defaultRequest', requests, defaults, `default request value ${request} is greater than default limit value ${limit}`)
  if (above(min, limit)) fault('default', mins, defaults, `min value ${min} is greater than default value ${limit}`)
  if (above(limit, max)) fault('default', maxes, defaults, `default value ${limit} is greater than max value ${max}`)
  checkRatio(faults, item, name, `${path}.maxLimitRequestRatio[${name}]`)
  if (!allowsOvercommit(name) && limit !== undefined && request !== undefined && compareQuantities(limit, request) !== 0)
    fault('defaultRequest', requests, defaults, `default value ${limit} must equal to defaultRequest value ${request} in ${name}`)
}

const checkRatio = (faults: Faults, item: LimitRangeItem, name: string, path: string): void => {
  const { [name]: ratio } = item.maxLimitRequestRatio ?? {}
  const { [name]: min } = item.min ?? {}
  const { [name]: max } = item.max ?? {}
  if (ratio === undefined) return
  if (compareQuantities(ratio, '1') < 0)
    faults.push(invalidShown(path, goQuantity(item.maxLimitRequestRatio, name), `ratio ${ratio} is less than 1`))
  if (min === undefined || max === undefined) return
  // Thousandths as long as they are exact.
  const fine = [ratio, min, max].every((amount) => quantityValue(amount) < Number.MAX_SAFE_INTEGER / 1000)
  const most = fine ? milliValue(max) / milliValue(min) : quantityValue(max) / quantityValue(min)
  const asked = fine ? milliValue(ratio) / 1000 : quantityValue(ratio)
  if (asked > most)
    faults.push(
      invalidShown(path, goQuantity(item.maxLimitRequestRatio, name), `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`),
    )
}

export const limitRange = defineKind<LimitRange>(limitRangeResource, {
  generation: false,
  allowCreateOnUpdate: true,
  default: (object) =>
    object.spec.limits ? withField(object, 'spec', withField(object.spec, 'limits', mapSame(object.spec.limits, defaultItem))) : object,
  // One that has no name gets a random one.
  prepareForCreate: (next) => (next.metadata.name ? next : { ...next, metadata: { ...next.metadata, name: next.metadata.uid } }),
  validate: (next) =>
    collect((faults) => {
      const types = new Set<string>()
      next.spec.limits?.forEach((item, index) => {
        const path = `spec.limits[${index}]`
        const type = item.type ?? ''
        checkType(faults, type, `${path}.type`)
        if (types.has(type)) faults.push(duplicate(`${path}.type`, type))
        types.add(type)
        checkItem(faults, item, path)
      })
    }),
})
