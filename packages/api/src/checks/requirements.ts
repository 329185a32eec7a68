import {
  compareQuantities,
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  milliValue,
  notFoundField,
  parseQuantity,
  quantitySign,
  quantityValue,
  required,
} from '@skiff/machinery'
import type { ResourceClaim, ResourceRequirements } from '../generated/types.ts'
import { addInvalid, type Faults, invalidShown, isEmptyMap, keysOf, negativeText } from './faults.ts'
import { goQuantity } from './go-syntax.ts'
import { allowsOvercommit, checkContainerResourceName, isHugePages, isIntegerResource } from './resource-names.ts'

type Amounts = Readonly<Record<string, string>>

/** An amount of a resource: not below zero, and whole where the resource is counted. */
export const checkAmount = (faults: Faults, name: string, amounts: Amounts | undefined, path: string): void => {
  const amount = amounts?.[name] ?? '0'
  if (quantitySign(amount) < 0) faults.push(invalidValue(path, amount, negativeText))
  if (isIntegerResource(name) && milliValue(amount) % 1000 !== 0)
    faults.push(invalidShown(path, goQuantity(amounts, name), 'must be an integer'))
}

export const checkPositiveAmount = (faults: Faults, amount: string, path: string): void => {
  if (quantitySign(amount) <= 0) faults.push(invalidValue(path, amount, 'must be greater than zero'))
}

/** Requests and limits of a container. `claimNames` are the pod's resource claims. */
export const checkRequirements = (faults: Faults, resources: ResourceRequirements, claimNames: ReadonlySet<string>, path: string): void => {
  const { limits, requests } = resources
  const limited = keysOf(limits)
  const requested = keysOf(requests)
  for (const name of limited) checkEntry(faults, name, limits, `${path}.limits[${name}]`)
  for (const name of requested) {
    const amount = requests?.[name] as string
    const at = `${path}.requests[${name}]`
    checkContainerResourceName(faults, name, at)
    checkAmount(faults, name, requests, at)
    checkAgainstLimit(faults, name, amount, limits?.[name], path)
    checkHugePages(faults, name, amount, at)
  }
  const names = (wanted: (name: string) => boolean): boolean => limited.some(wanted) || requested.some(wanted)
  if (names(isHugePages) && !names((name) => name === 'cpu' || name === 'memory'))
    faults.push(forbiddenField(path, 'HugePages require cpu or memory'))
  if (resources.claims) checkClaims(faults, resources.claims, claimNames, `${path}.claims`)
}

/** Amounts of limits alone, as a pod's overhead has them. */
export const checkLimits = (faults: Faults, limits: Readonly<Record<string, string>>, path: string): void => {
  if (!isEmptyMap(limits)) checkRequirements(faults, { limits }, new Set(), path)
}

const checkEntry = (faults: Faults, name: string, limits: Amounts | undefined, path: string): void => {
  checkContainerResourceName(faults, name, path)
  checkAmount(faults, name, limits, path)
  checkHugePages(faults, name, limits?.[name] as string, path)
}

const checkAgainstLimit = (faults: Faults, name: string, amount: string, limit: string | undefined, path: string): void => {
  const at = `${path}.requests`
  if (limit === undefined) {
    if (!allowsOvercommit(name)) faults.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'))
    return
  }
  const order = compareQuantities(amount, limit)
  if (order !== 0 && !allowsOvercommit(name)) faults.push(invalidValue(at, amount, `must be equal to ${name} limit of ${limit}`))
  else if (order > 0) faults.push(invalidValue(at, amount, `must be less than or equal to ${name} limit of ${limit}`))
}

const checkHugePages = (faults: Faults, name: string, amount: string, path: string): void => {
  if (!isHugePages(name) || divides(name.slice('hugepages-'.length), amount)) return
  faults.push(invalidValue(path, amount, `${amount} is not positive integer multiple of ${name}`))
}
const divides = (pageSize: string, amount: string): boolean => {
  try {
    const page = quantityValue(parseQuantity(pageSize))
    return page > 0 && quantityValue(amount) % page === 0
  } catch {
    return false
  }
}

const checkClaims = (faults: Faults, claims: readonly ResourceClaim[], claimNames: ReadonlySet<string>, path: string): void => {
  const seen = new Set<string>()
  claims.forEach((claim, index) => {
    const at = `${path}[${index}]`
    const name = claim.name ?? ''
    if (name === '') {
      faults.push(required(at))
      return
    }
    if (seen.has(name)) faults.push(duplicate(at, name))
    else {
      if (claim.request) addInvalid(faults, isDns1123Label(claim.request), claim.request, `${at}.request`)
      const key = claim.request ? `${name}/${claim.request}` : name
      if (seen.has(key) || (!claim.request && [...seen].some((other) => other.startsWith(`${name}/`)))) faults.push(duplicate(at, key))
      seen.add(key)
    }
    if (!claimNames.has(name)) faults.push(unknownClaim(at, name, claimNames))
  })
}

const unknownClaim = (path: string, name: string, claimNames: ReadonlySet<string>): FieldError => {
  const fault = notFoundField(path, name)
  const known = claimNames.size === 0 ? ' which is empty' : `: ${[...claimNames].sort().join(', ')}`
  return { ...fault, body: `${fault.body}: must be one of the names in pod.spec.resourceClaims${known}` }
}
