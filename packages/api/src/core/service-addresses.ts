import { duplicate, invalidValue, notSupported, required } from '@skiff/machinery'
import { checkSupported, type Faults, invalidShown, orNull } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { checkIp, ipFamily, isDualStack } from '../checks/ip.ts'
import type { Service, ServiceSpec } from '../generated/types.ts'

export const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None'

const listPath = 'spec.clusterIPs'

/** clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy, which belong together. */
export const checkClusterIps = (faults: Faults, spec: ServiceSpec): void => {
  if (spec.type === 'ExternalName') return
  const { clusterIP = '', clusterIPs = [] } = spec
  const shown = goStrings(clusterIPs)
  if (clusterIP !== '') {
    if (clusterIPs.length === 0) faults.push(required(listPath))
    else if (clusterIPs[0] !== clusterIP) faults.push(invalidShown(listPath, shown, 'first value must match `clusterIP`'))
  } else if (clusterIPs.length > 0) faults.push(invalidShown(listPath, shown, 'must be empty when `clusterIP` is not specified'))
  checkFamilies(faults, spec)
  const good = checkAddresses(faults, clusterIPs)
  if (clusterIPs.length > 2) faults.push(invalidShown(listPath, shown, 'may only hold up to 2 values'))
  if (!good) return
  if (clusterIPs.length > 1 && !isDualStack(clusterIPs.map(ipFamily)))
    faults.push(invalidShown(listPath, shown, 'may specify no more than one IP for each IP family'))
  if (!isHeadless(spec)) checkAgainstFamilies(faults, spec)
}

const checkFamilies = (faults: Faults, spec: ServiceSpec): void => {
  const seen = new Set<string>()
  spec.ipFamilies?.forEach((family, index) => {
    const path = `spec.ipFamilies[${index}]`
    if (family !== 'IPv4' && family !== 'IPv6') faults.push(notSupported(path, family, ['IPv4', 'IPv6']))
    if (seen.has(family)) faults.push(duplicate(path, family))
    seen.add(family)
  })
  checkSupported(faults, spec.ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack'], 'spec.ipFamilyPolicy')
}

const checkAddresses = (faults: Faults, addresses: readonly string[]): boolean => {
  const before = faults.length
  addresses.forEach((address, index) => {
    if (index > 0 || address !== 'None') checkIp(faults, address, `${listPath}[${index}]`)
    else if (addresses.length > 1) faults.push(invalidShown(listPath, goStrings(addresses), "'None' must be the first and only value"))
  })
  return faults.length === before
}

const checkAgainstFamilies = (faults: Faults, { clusterIPs = [], ipFamilies = [] }: ServiceSpec): void => {
  clusterIPs.forEach((address, index) => {
    const family = ipFamilies[index]
    if (family !== 'IPv4' && family !== 'IPv6') return
    const wanted = family === 'IPv4' ? 4 : 6
    if (ipFamily(address) !== wanted)
      faults.push(invalidValue(`${listPath}[${index}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``))
  })
}

/** The first address stays for good; a second may come, and go when one family is asked for. */
export const checkClusterIpChange = (faults: Faults, next: Service, old: Service): void => {
  if (next.spec.type === 'ExternalName' || old.spec.type === 'ExternalName') return
  if (!isHeadless(next.spec) || !isHeadless(old.spec))
    checkListChange(faults, next.spec, 'clusterIPs', next.spec.clusterIPs ?? [], old.spec.clusterIPs ?? [], 'clusterIP')
  if (!isHeadless(next.spec) && !isHeadless(old.spec))
    checkListChange(faults, next.spec, 'ipFamilies', next.spec.ipFamilies ?? [], old.spec.ipFamilies ?? [], 'ipFamily')
}

const checkListChange = (
  faults: Faults,
  spec: ServiceSpec,
  field: 'clusterIPs' | 'ipFamilies',
  next: readonly string[],
  old: readonly string[],
  word: string,
): void => {
  const shown = goStrings(next, field === 'ipFamilies' ? 'core.IPFamily' : 'string')
  const changed = (index: number) => faults.push(invalidShown(`spec.${field}[${index}]`, shown, 'may not change once set'))
  if (next.length === old.length) {
    old.forEach((value, index) => {
      if (value !== next[index]) changed(field === 'clusterIPs' ? index : 0)
    })
    return
  }
  if (next.length === 0) faults.push(invalidShown(`spec.${field}[0]`, shown, `primary ${word} can not be unset`))
  if (next.length > 0 && old.length > 0 && next[0] !== old[0]) changed(0)
  if (next.length < old.length && next.length === 1 && spec.ipFamilyPolicy !== 'SingleStack')
    faults.push(
      invalidValue('spec.ipFamilyPolicy', orNull(spec.ipFamilyPolicy), `must be set to 'SingleStack' when releasing the secondary ${word}`),
    )
}
