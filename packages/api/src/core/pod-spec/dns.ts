import { isDns1123Subdomain, isDns1123SubdomainWithUnderscore, required } from '@skiff/machinery'
import { addInvalid, type Faults, invalidShown } from '../../checks/faults.ts'
import { goStrings } from '../../checks/go-syntax.ts'
import { checkIp } from '../../checks/ip.ts'
import { isOn } from '../../features/scope.ts'
import type { PodDNSConfig, PodSpec } from '../../generated/types.ts'

// Limits of the resolver of libc.
const mostNameservers = 3
const mostSearches = 32
const longestSearchList = 2048

export const checkDnsConfig = (faults: Faults, { dnsConfig, dnsPolicy }: PodSpec, path: string): void => {
  if (dnsPolicy === 'None') {
    if (dnsConfig === undefined) {
      faults.push(required(path, 'must provide `dnsConfig` when `dnsPolicy` is None'))
      return
    }
    if (!dnsConfig.nameservers?.length) {
      faults.push(required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
      return
    }
  }
  if (dnsConfig) checkConfig(faults, dnsConfig, path)
}

const checkConfig = (faults: Faults, { nameservers = [], searches = [], options = [] }: PodDNSConfig, path: string): void => {
  if (nameservers.length > mostNameservers)
    faults.push(invalidShown(`${path}.nameservers`, goStrings(nameservers), `must not have more than ${mostNameservers} nameservers`))
  nameservers.forEach((address, index) => {
    checkIp(faults, address, `${path}.nameservers[${index}]`)
  })
  if (searches.length > mostSearches)
    faults.push(invalidShown(`${path}.searches`, goStrings(searches), `must not have more than ${mostSearches} search paths`))
  if (Buffer.byteLength(searches.join(' ')) > longestSearchList)
    faults.push(
      invalidShown(
        `${path}.searches`,
        goStrings(searches),
        `must not have more than ${longestSearchList} characters (including spaces) in the search list`,
      ),
    )
  const relaxed = isOn('RelaxedDNSSearchValidation')
  const check = relaxed ? isDns1123SubdomainWithUnderscore : isDns1123Subdomain
  searches.forEach((search, index) => {
    if (relaxed && search === '.') return
    const name = search.endsWith('.') ? search.slice(0, -1) : search
    addInvalid(faults, check(name), name, `${path}.searches[${index}]`)
  })
  options.forEach((option, index) => {
    if (!option.name) faults.push(required(`${path}.options[${index}]`, 'must not be empty'))
  })
}

export const checkHostAliases = (faults: Faults, aliases: NonNullable<PodSpec['hostAliases']>, path: string): void => {
  aliases.forEach((alias, index) => {
    checkIp(faults, alias.ip ?? '', `${path}[${index}].ip`)
    alias.hostnames?.forEach((name, at) => {
      addInvalid(faults, isDns1123Subdomain(name), name, `${path}[${index}].hostnames[${at}]`)
    })
  })
}
