import type { Service, ServicePort } from '@skiff/api'

/** The variables by which containers find services: FOO_SERVICE_HOST and its kin, and the older ones of Docker links. */
export const serviceEnv = (services: Iterable<Service>, namespace: string, enableServiceLinks: boolean): Map<string, string> => {
  const chosen = new Map<string, Service>()
  for (const service of services) {
    const { clusterIP } = service.spec
    if (!clusterIP || clusterIP === 'None') continue
    const { name, namespace: where } = service.metadata
    // The API server's own service is told to everyone, and one of that name in the pod's namespace hides it.
    if (where === namespace && enableServiceLinks) chosen.set(name, service)
    else if (where === 'default' && name === 'kubernetes' && !chosen.has(name)) chosen.set(name, service)
  }
  const env = new Map<string, string>()
  for (const service of chosen.values()) for (const [name, value] of variablesOf(service)) env.set(name, value)
  return env
}

const upper = (name: string): string => name.toUpperCase().replaceAll('-', '_')

const variablesOf = (service: Service): [string, string][] => {
  const { clusterIP = '', ports = [] } = service.spec
  const name = upper(service.metadata.name)
  const [first] = ports
  if (!first) return []
  const named = ports
    .filter((port) => port.name)
    .map(({ name: portName = '', port }): [string, string] => [`${name}_SERVICE_PORT_${upper(portName)}`, String(port)])
  const url = ({ port, protocol = 'TCP' }: ServicePort) => `${protocol.toLowerCase()}://${hostPort(clusterIP, port)}`
  return [
    [`${name}_SERVICE_HOST`, clusterIP],
    [`${name}_SERVICE_PORT`, String(first.port)],
    ...named,
    [`${name}_PORT`, url(first)],
    ...ports.flatMap((port): [string, string][] => {
      const prefix = `${name}_PORT_${port.port}_${port.protocol ?? 'TCP'}`
      return [
        [prefix, url(port)],
        [`${prefix}_PROTO`, (port.protocol ?? 'TCP').toLowerCase()],
        [`${prefix}_PORT`, String(port.port)],
        [`${prefix}_ADDR`, clusterIP],
      ]
    }),
  ]
}

const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
