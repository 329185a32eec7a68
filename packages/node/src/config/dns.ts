import type { Pod } from '@skiff/api'
import type { DnsConfig } from '../runtimes/runtime.ts'

export interface ClusterDns {
  readonly servers: readonly string[]
  readonly domain: string
}

/** resolv.conf of a pod by its dnsPolicy and dnsConfig; `host` is that of this machine. */
export const podDns = (pod: Pod, cluster: ClusterDns, host: DnsConfig): DnsConfig => {
  const base = baseDns(pod, cluster, host)
  const { nameservers = [], searches = [], options = [] } = pod.spec.dnsConfig ?? {}
  return {
    servers: unique([...base.servers, ...nameservers]),
    searches: unique([...base.searches, ...searches]),
    options: mergedOptions(
      base.options,
      options.flatMap(({ name, value }) => (name === undefined ? [] : value ? `${name}:${value}` : name)),
    ),
  }
}

const baseDns = (pod: Pod, cluster: ClusterDns, host: DnsConfig): DnsConfig => {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst'
  if (policy === 'None') return { servers: [], searches: [], options: [] }
  // A pod on the host's network asks the cluster only when it says so.
  const usesHost = policy === 'Default' || (policy === 'ClusterFirst' && pod.spec.hostNetwork)
  if (usesHost || cluster.servers.length === 0) return host
  const { domain } = cluster
  return {
    servers: cluster.servers,
    searches: unique([`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches]),
    options: ['ndots:5'],
  }
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]

/** Options of the pod replace those of the same name. */
const mergedOptions = (base: readonly string[], own: readonly string[]): string[] => {
  const nameOf = (option: string) => option.split(':')[0] as string
  const byName = new Map([...base, ...own].map((option) => [nameOf(option), option]))
  return [...byName.values()]
}

/** Reads a resolv.conf. The last `search` or `domain` line counts. */
export const parseResolvConf = (text: string): DnsConfig => {
  const servers: string[] = []
  let searches: string[] = []
  let options: string[] = []
  for (const line of text.split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (word === 'nameserver' && rest[0]) servers.push(rest[0])
    else if (word === 'search' || word === 'domain') searches = rest.map((name) => name.replace(/(.)\.$/, '$1'))
    else if (word === 'options') options = rest
  }
  return { servers, searches, options }
}
