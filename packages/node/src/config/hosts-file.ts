import type { HostAlias, Pod } from '@skiff/api'

/** What a pod is called, on its own and in the cluster's domain. */
export interface PodHostname {
  readonly hostname: string
  /** Empty without a subdomain. */
  readonly domain: string
  /** What the kernel is told. */
  readonly nodename: string
}

export const hostnameOf = (pod: Pod, clusterDomain: string): PodHostname => {
  const hostname = truncated(pod.spec.hostname || pod.metadata.name)
  const domain = pod.spec.subdomain ? `${pod.spec.subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : ''
  const fqdn = `${hostname}.${domain}`
  if (!pod.spec.setHostnameAsFQDN || domain === '') return { hostname, domain, nodename: hostname }
  if (fqdn.length > 64) {
    throw new Error(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long (64 characters is the max, ${fqdn.length} characters requested)`,
    )
  }
  return { hostname, domain, nodename: fqdn }
}

/** The kernel takes 63 characters. */
const truncated = (name: string): string => (name.length <= 63 ? name : name.slice(0, 63).replace(/[-.]+$/, ''))

/** /etc/hosts of a pod with a network of its own. */
export const managedHosts = (ips: readonly string[], { hostname, domain }: PodHostname, aliases: readonly HostAlias[] = []): string =>
  [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...ips.map((ip) => (domain === '' ? `${ip}\t${hostname}` : `${ip}\t${hostname}.${domain}\t${hostname}`)),
    '',
  ].join('\n') + aliasLines(aliases)

/** /etc/hosts of a pod on the host's network: the host's own, and the pod's aliases. */
export const nodeHosts = (own: string, aliases: readonly HostAlias[] = []): string =>
  `# Kubernetes-managed hosts file (host network).\n${own}${aliasLines(aliases)}`

const aliasLines = (aliases: readonly HostAlias[]): string =>
  aliases.length === 0
    ? ''
    : `\n# Entries added by HostAliases.\n${aliases.map(({ ip, hostnames = [] }) => `${[ip, ...hostnames].join('\t')}\n`).join('')}`
