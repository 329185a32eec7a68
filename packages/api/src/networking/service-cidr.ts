import { canonicalIp, invalidValue, parseCidr, required } from '@skiff/machinery'
import { collect, type Faults, immutableText, invalidShown, same } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { checkCidr, cidrFamily, isDualStack } from '../checks/ip.ts'
import { serviceCIDR as serviceCidrResource } from '../generated/resources.ts'
import type { ServiceCIDR } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const path = 'spec.cidrs'

const checkCidrs = (faults: Faults, cidrs: readonly string[]): void => {
  if (cidrs.length === 0) {
    faults.push(required(path, 'at least one CIDR required'))
    return
  }
  const shown = goStrings(cidrs)
  if (cidrs.length > 2) faults.push(invalidShown(path, shown, 'may only hold up to 2 values'))
  cidrs.forEach((cidr, index) => {
    const at = `${path}[${index}]`
    checkCidr(faults, cidr, at)
    const canonical = canonicalForm(cidr)
    if (canonical !== undefined && canonical !== cidr) faults.push(invalidValue(at, cidr, `must be in canonical form ("${canonical}")`))
  })
  if (cidrs.length > 1 && !isDualStack(cidrs.map(cidrFamily)))
    faults.push(invalidShown(path, shown, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'))
}

const canonicalForm = (cidr: string): string | undefined => {
  const parsed = parseCidr(cidr)
  return parsed && `${canonicalIp(cidr.slice(0, cidr.indexOf('/')))}/${parsed.prefixLength}`
}

export const serviceCidr = defineKind<ServiceCIDR>(serviceCidrResource, {
  generation: false,
  validate: (next) => collect((faults) => checkCidrs(faults, next.spec.cidrs ?? [])),
  /** A second family may come; what is there stays. */
  validateUpdate: (next, old) =>
    collect((faults) => {
      const [now, before] = [next.spec.cidrs ?? [], old.spec.cidrs ?? []]
      const grew = before.length === 1 && now.length === 2 && now[0] === before[0]
      if (grew) checkCidrs(faults, now)
      else if (!same(now, before)) faults.push(invalidShown(path, goStrings(now), immutableText))
    }),
})
