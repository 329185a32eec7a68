import { needsHealthCheckPort, needsNodePort, type Service, type ServicePort } from '@skiff/api'
import { internalError, invalidValue, Refusal } from '@skiff/machinery'
import { refuseService } from './families.ts'
import type { PortOperation } from './port-operation.ts'

const typed = ({ spec }: Service): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer'
/** Node ports of a Service's ports; the one for health checks is apart. */
const numbersOf = ({ spec }: Service): readonly number[] => (spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []))

const take = async (service: Service, operation: PortOperation, port: number, index: number): Promise<void> => {
  const why = await operation.take(port)
  if (why !== undefined) throw refuseService(service, [invalidValue(`spec.ports[${index}].nodePort`, port, why)])
}
const takeNext = async (operation: PortOperation): Promise<number> => {
  const port = await operation.next()
  if (port === undefined) throw internalError('failed to allocate a nodePort: range is full')
  return port
}

/** Node ports of a new Service: entries with the same port (TCP and UDP of one) share a node port. */
const newPorts = async (service: Service, operation: PortOperation): Promise<readonly ServicePort[]> => {
  const all = service.spec.ports ?? []
  const byPort = new Map<number, number>()
  const ports: ServicePort[] = []
  for (const [index, entry] of all.entries()) {
    if (!entry.nodePort && !needsNodePort(service.spec)) {
      ports.push(entry)
      continue
    }
    const shared = byPort.get(entry.port)
    let nodePort = shared ?? 0
    if (shared === undefined) {
      nodePort = all.find((each) => each.port === entry.port && each.nodePort)?.nodePort ?? 0
      if (nodePort) await take(service, operation, nodePort, index)
      else nodePort = await takeNext(operation)
      byPort.set(entry.port, nodePort)
    } else if (entry.nodePort && entry.nodePort !== shared) {
      nodePort = entry.nodePort
      await take(service, operation, nodePort, index)
    }
    ports.push({ ...entry, nodePort })
  }
  return ports
}

/** Node ports after an update: what the old Service had stays its own, what no entry has any more goes. */
const changedPorts = async (service: Service, old: Service, operation: PortOperation): Promise<readonly ServicePort[]> => {
  const held = new Set(numbersOf(old))
  const seen = new Set<string>()
  const ports: ServicePort[] = []
  for (const [index, entry] of (service.spec.ports ?? []).entries()) {
    if (!entry.nodePort && !needsNodePort(service.spec)) {
      ports.push(entry)
      continue
    }
    const nodePort = entry.nodePort || (await takeNext(operation))
    if (entry.nodePort && !held.has(nodePort)) await take(service, operation, nodePort, index)
    held.add(nodePort)
    const protocol = entry.protocol ?? 'TCP'
    if (seen.has(`${protocol}/${nodePort}`)) throw new Refusal(500, '', `duplicate nodePort: {${protocol} ${nodePort}}`)
    seen.add(`${protocol}/${nodePort}`)
    ports.push({ ...entry, nodePort })
  }
  return ports
}

const withHealthPort = async (service: Service, operation: PortOperation): Promise<Service> => {
  const asked = service.spec.healthCheckNodePort ?? 0
  if (asked === 0) {
    const port = await operation.next()
    if (port === undefined) throw internalError('failed to allocate a HealthCheck NodePort 0: range is full')
    return { ...service, spec: { ...service.spec, healthCheckNodePort: port } }
  }
  const why = await operation.take(asked)
  if (why !== undefined) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${why}`)
  return service
}

/** The Service with the node ports that it needs, taken in `operation`; those that it needs no more leave when that is done. */
export const allocatePorts = async (service: Service, old: Service | undefined, operation: PortOperation): Promise<Service> => {
  let next = service
  if (typed(service)) {
    const ports = old ? await changedPorts(service, old, operation) : await newPorts(service, operation)
    if (service.spec.ports) next = { ...service, spec: { ...service.spec, ports } }
  }
  if (needsHealthCheckPort(service.spec) && !(old && needsHealthCheckPort(old.spec))) next = await withHealthPort(next, operation)
  if (old) releaseUnused(next, old, operation)
  return next
}

const releaseUnused = (next: Service, old: Service, operation: PortOperation): void => {
  const kept = new Set(typed(next) ? numbersOf(next) : [])
  if (typed(old)) for (const port of new Set(numbersOf(old))) if (!kept.has(port)) operation.releaseLater(port)
  const health = old.spec.healthCheckNodePort
  if (health && needsHealthCheckPort(old.spec) && !needsHealthCheckPort(next.spec)) operation.releaseLater(health)
}

/** Every port that a Service holds: one that TCP and UDP share is one, one of two entries of a protocol is two. */
export const portsHeld = ({ spec }: Service): readonly number[] => {
  const ports: number[] = []
  const seen = new Map<number, Set<string>>()
  for (const { nodePort, protocol = 'TCP' } of spec.ports ?? []) {
    if (!nodePort) continue
    const protocols = seen.get(nodePort) ?? new Set()
    if (protocols.size === 0 || protocols.has(protocol)) ports.push(nodePort)
    seen.set(nodePort, protocols.add(protocol))
  }
  if (spec.healthCheckNodePort) ports.push(spec.healthCheckNodePort)
  return ports
}
