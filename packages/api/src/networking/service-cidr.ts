import { isCanonicalCidr, required } from '@skiff/machinery'
import { addInvalid, checkImmutable, collect, type Faults, immutableText, invalidShown, same } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { cidrFamily, isDualStack } from '../checks/ip.ts'
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
  if (cidrs.length > 2) {
    faults.push(invalidShown(path, `networking.ServiceCIDRSpec{CIDRs:${shown}}`, 'may only hold up to 2 values'))
    return
  }
  const before = faults.length
  cidrs.forEach((cidr, index) => {
    addInvalid(faults, isCanonicalCidr(cidr), cidr, `${path}[${index}]`)
  })
  if (faults.length > before) return
  if (cidrs.length > 1 && !isDualStack(cidrs.map(cidrFamily)))
    faults.push(invalidShown(path, shown, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'))
}

export const serviceCidr = defineKind<ServiceCIDR>(serviceCidrResource, {
  generation: false,
  validate: (next) => collect((faults) => checkCidrs(faults, next.spec.cidrs ?? [])),
  /** A second family may come; what is there stays. Upstream looks at the whole twice. */
  validateUpdate: (next, old) =>
    collect((faults) => {
      const [now, before] = [next.spec.cidrs ?? [], old.spec.cidrs ?? []]
      checkCidrs(faults, now)
      checkCidrs(faults, now)
      if (before.length === 1) checkImmutable(faults, now[0], before[0], `${path}[0]`)
      else if (!same(now, before)) faults.push(invalidShown(path, goStrings(now), immutableText))
    }),
})
