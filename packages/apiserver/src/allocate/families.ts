import { checkClusterIps, type Service, type ServiceSpec } from '@skiff/api'
import { type FieldError, invalid, invalidValue, ipFamilyOf } from '@skiff/machinery'

export type Family = 'IPv4' | 'IPv6'

export const familyOfAddress = (address: string): Family => (ipFamilyOf(address) === 6 ? 'IPv6' : 'IPv4')
const otherFamily = (family: string): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4')

const kind = { group: '', kind: 'Service' }
/** A field error whose value upstream prints as Go syntax. */
export const invalidList = (field: string, list: readonly string[], why: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  body: `Invalid value: []string{${list.map((each) => JSON.stringify(each)).join(', ')}}: ${why}`,
})
export const refuseService = (service: Service, errors: readonly FieldError[]) => invalid(kind, service.metadata.name ?? '', errors)

const sameList = (one: readonly string[] | undefined = [], other: readonly string[] | undefined = []): boolean =>
  one.length === other.length && one.every((each, at) => each === other[at])

/** A Service that prefers two families is not changed by a cluster that gained or lost one, unless the user says how. */
const staysPreferDual = (next: ServiceSpec, old: ServiceSpec): boolean =>
  next.ipFamilyPolicy === 'PreferDualStack' &&
  next.type === old.type &&
  (old.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
  sameList(next.clusterIPs, old.clusterIPs) &&
  sameList(next.ipFamilies, old.ipFamilies)

/** True when nothing is to be allocated or released for the addresses of this update. */
export const addressesStay = (next: Service, old: Service): boolean =>
  next.spec.type !== 'ExternalName' && staysPreferDual(next.spec, old.spec)

const isSelectorlessHeadless = ({ clusterIP, selector }: ServiceSpec): boolean =>
  clusterIP === 'None' && Object.keys(selector ?? {}).length === 0

const policyOf = (spec: ServiceSpec, old: ServiceSpec | undefined): NonNullable<ServiceSpec['ipFamilyPolicy']> =>
  spec.ipFamilyPolicy ?? old?.ipFamilyPolicy ?? (isSelectorlessHeadless(spec) ? 'RequireDualStack' : 'SingleStack')

/**
 * Chooses ipFamilyPolicy and ipFamilies where the user left them open, and refuses what the cluster's families (`configured`, the
 * first is the default) cannot give. Upstream's rules: one family never becomes two without a word, nor two one.
 */
export const initFamilies = (next: Service, old: Service | undefined, configured: readonly Family[]): Service => {
  if (next.spec.type === 'ExternalName' || (old && staysPreferDual(next.spec, old.spec))) return next
  const policed = { ...next.spec, ipFamilyPolicy: policyOf(next.spec, old?.spec) }
  const faults: FieldError[] = []
  checkClusterIps(faults, policed)
  if (faults.length > 0) throw refuseService(next, faults)
  const errors: FieldError[] = []
  const spec = inferFamilies(errors, old ? fitToPolicy(errors, policed, old.spec) : policed, configured)
  if (errors.length > 0) throw refuseService(next, errors)
  if (isSelectorlessHeadless(spec)) return { ...next, spec: { ...spec, ipFamilies: headlessFamilies(spec, configured) } }
  checkConfigured(errors, spec, configured)
  if (errors.length > 0) throw refuseService(next, errors)
  const [first = configured[0] as Family, ...others] = spec.ipFamilies ?? []
  const isDual = spec.ipFamilyPolicy !== 'SingleStack' && others.length === 0 && configured.length === 2
  return { ...next, spec: { ...spec, ipFamilies: [first, ...(isDual ? [otherFamily(first)] : others)] } }
}

/** An update to one family drops the second of what the user sent back unchanged; two families may only become one by that word. */
const fitToPolicy = (errors: FieldError[], spec: ServiceSpec, old: ServiceSpec): ServiceSpec => {
  const { clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec
  if (ipFamilyPolicy !== 'SingleStack') {
    const refuse = (what: string) =>
      errors.push(invalidValue('spec.ipFamilyPolicy', ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`))
    if (clusterIPs.length > 0 && clusterIPs.length < (old.clusterIPs ?? []).length) refuse('cluster IP')
    if (ipFamilies.length > 0 && ipFamilies.length < (old.ipFamilies ?? []).length) refuse('IP family')
    return spec
  }
  return {
    ...spec,
    ...(clusterIPs.length > 1 && sameList(clusterIPs, old.clusterIPs) ? { clusterIPs: clusterIPs.slice(0, 1) } : {}),
    ...(ipFamilies.length > 1 && sameList(ipFamilies, old.ipFamilies) ? { ipFamilies: ipFamilies.slice(0, 1) } : {}),
  }
}

/** Families of the addresses that are given; those named besides must agree with them, which was checked. */
const inferFamilies = (errors: FieldError[], spec: ServiceSpec, configured: readonly Family[]): ServiceSpec => {
  const { clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec
  if (ipFamilyPolicy === 'SingleStack') {
    const refuse = (what: string) =>
      errors.push(
        invalidValue(
          'spec.ipFamilyPolicy',
          ipFamilyPolicy,
          `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
        ),
      )
    if (clusterIPs.length === 2) refuse('cluster IPs')
    if (ipFamilies.length === 2) refuse('IP families')
  }
  const families = [...ipFamilies]
  if (clusterIPs[0] === 'None') return spec
  clusterIPs.forEach((address, index) => {
    if (index < families.length) return
    const family = familyOfAddress(address)
    if (configured.includes(family)) families.push(family)
    else errors.push(invalidList(`spec.clusterIPs[${index}]`, clusterIPs, `${family} is not configured on this cluster`))
  })
  return families.length === ipFamilies.length ? spec : { ...spec, ipFamilies: families }
}

/** What a headless Service without selector leads to is the user's: two families, whatever the cluster has. */
const headlessFamilies = (spec: ServiceSpec, configured: readonly Family[]): NonNullable<ServiceSpec['ipFamilies']> => {
  const [first = configured[0] as Family, ...others] = spec.ipFamilies ?? []
  return [first, ...(others.length === 0 && spec.ipFamilyPolicy !== 'SingleStack' ? [otherFamily(first)] : others)]
}

const checkConfigured = (errors: FieldError[], spec: ServiceSpec, configured: readonly Family[]): void => {
  if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2)
    errors.push(invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'))
  spec.ipFamilies?.forEach((family, index) => {
    if (!configured.includes(family as Family))
      errors.push(invalidValue(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'))
  })
}
