import { endpointSlice } from '@skiff/api'
import type { JsonObject } from '@skiff/machinery'
import { at, type Dynamic, listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { eventLines } from './event-lines.ts'
import { labelsText, line, nameLines, optionalLine, orNone, tagLines } from './lines.ts'
import type { Describer, Look } from './look.ts'

const shownEndpoints = 3
const hostPort = (host: string, port: string): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

/**
 * The ready endpoints of a port: three, and how many more there are. The list counts as full as soon as anything, ready or not, comes
 * after the third, as kubectl counts.
 */
export const endpointsText = (slices: readonly JsonObject[], portName: string): string => {
  if (slices.length === 0) return '<none>'
  const shown: string[] = []
  let [more, ready] = [false, 0]
  const see = (endpoint: JsonObject, text: string): void => {
    more ||= shown.length === shownEndpoints
    if (at(endpoint, 'conditions.ready') === false) return
    if (!more) shown.push(text)
    ready += 1
  }
  for (const slice of slices) {
    const endpoints = listAt(slice, 'endpoints')
    const ports = listAt(slice, 'ports')
    if (ports.length === 0) for (const endpoint of endpoints) see(endpoint, textsAt(endpoint, 'addresses')[0] ?? '')
    for (const port of ports.filter((each) => textAt(each, 'name') === portName))
      for (const endpoint of endpoints) see(endpoint, hostPort(textsAt(endpoint, 'addresses')[0] ?? '', textAt(port, 'port')))
  }
  return more ? `${shown.join(',')} + ${ready - shownEndpoints} more...` : shown.join(',')
}

/** The slices of a service's endpoints. */
export const slicesOf = (name: string, namespace: string, look: Look): Promise<readonly Dynamic[]> =>
  look.list(endpointSlice, namespace, { labelSelector: `kubernetes.io/service-name=${name}` })

const portLines = (port: JsonObject, slices: readonly JsonObject[]): string[] => {
  const name = textAt(port, 'name') || '<unset>'
  const protocol = textAt(port, 'protocol')
  return [
    `Port:\t${name}\t${textAt(port, 'port')}/${protocol}`,
    `TargetPort:\t${textAt(port, 'targetPort') || '0'}/${protocol}`,
    ...(port.nodePort ? [`NodePort:\t${name}\t${port.nodePort}/${protocol}`] : []),
    `Endpoints:\t${endpointsText(slices, textAt(port, 'name'))}`,
  ]
}

const ingressText = (ingress: JsonObject): string => {
  if (!ingress.ip) return textAt(ingress, 'hostname')
  return ingress.ipMode === undefined ? textAt(ingress, 'ip') : `${ingress.ip} (${ingress.ipMode})`
}

export const describeService: Describer = async (service, look) => {
  const spec = mapAt(service, 'spec')
  const slices = await slicesOf(service.metadata.name, service.metadata.namespace ?? '', look).catch(() => [])
  const joined = (path: string): string => textsAt(spec, path).join(',')
  return [
    ...nameLines(service),
    ...tagLines(service),
    `Selector:\t${labelsText(mapAt(spec, 'selector'))}`,
    `Type:\t${textAt(spec, 'type')}`,
    ...optionalLine('IP Family Policy', spec.ipFamilyPolicy),
    `IP Families:\t${orNone(joined('ipFamilies'))}`,
    `IP:\t${textAt(spec, 'clusterIP')}`,
    `IPs:\t${orNone(joined('clusterIPs'))}`,
    ...optionalLine('External IPs', joined('externalIPs')),
    ...optionalLine('Desired LoadBalancer IP', spec.loadBalancerIP),
    ...optionalLine('External Name', spec.externalName),
    ...optionalLine('LoadBalancer Ingress', listAt(service, 'status.loadBalancer.ingress').map(ingressText).join(', ')),
    ...listAt(spec, 'ports').flatMap((port) => portLines(port, slices)),
    `Session Affinity:\t${textAt(spec, 'sessionAffinity')}`,
    ...optionalLine('External Traffic Policy', spec.externalTrafficPolicy),
    ...optionalLine('Internal Traffic Policy', spec.internalTrafficPolicy),
    ...(spec.healthCheckNodePort ? [`HealthCheck NodePort:\t${spec.healthCheckNodePort}`] : []),
    ...optionalLine('LoadBalancer Source Ranges', joined('loadBalancerSourceRanges')),
    ...(await eventLines(service, look)),
  ]
}

const portTable = (ports: readonly JsonObject[], level: number): string[] => [
  line(level, 'Name\tPort\tProtocol'),
  line(level, '----\t----\t--------'),
  ...ports.map((port) =>
    line(level, `${textAt(port, 'name') || '<unset>'}\t${textAt(port, 'port') || '<unset>'}\t${textAt(port, 'protocol')}`),
  ),
]

const subsetLines = (subset: JsonObject): string[] => {
  const addresses = (path: string): string =>
    orNone(
      listAt(subset, path)
        .map(({ ip }) => String(ip))
        .join(','),
    )
  const ports = listAt(subset, 'ports')
  return [
    line(1, `Addresses:\t${addresses('addresses')}`),
    line(1, `NotReadyAddresses:\t${addresses('notReadyAddresses')}`),
    ...(ports.length === 0 ? [] : [line(1, 'Ports:'), ...portTable(ports, 2)]),
    '',
  ]
}

export const describeEndpoints: Describer = async (endpoints, look) => [
  ...nameLines(endpoints),
  ...tagLines(endpoints),
  'Subsets:',
  ...listAt(endpoints, 'subsets').flatMap(subsetLines),
  ...(await eventLines(endpoints, look)),
]

const endpointLines = (endpoint: JsonObject): string[] => {
  const text = (path: string): string => (at(endpoint, path) === undefined ? '<unset>' : textAt(endpoint, path))
  return [
    line(1, `- Addresses:\t${orNone(textsAt(endpoint, 'addresses').join(', '))}`),
    line(2, 'Conditions:'),
    line(3, `Ready:\t${text('conditions.ready')}`),
    line(2, `Hostname:\t${text('hostname')}`),
    ...(endpoint.targetRef ? [line(2, `TargetRef:\t${textAt(endpoint, 'targetRef.kind')}/${textAt(endpoint, 'targetRef.name')}`)] : []),
    line(2, `NodeName:\t${text('nodeName')}`),
    line(2, `Zone:\t${text('zone')}`),
  ]
}

export const describeEndpointSlice: Describer = async (slice, look) => {
  const [ports, endpoints] = [listAt(slice, 'ports'), listAt(slice, 'endpoints')]
  return [
    ...nameLines(slice),
    ...tagLines(slice),
    `AddressType:\t${textAt(slice, 'addressType')}`,
    ...(ports.length === 0 ? ['Ports: <unset>'] : ['Ports:', ...portTable(ports, 1)]),
    ...(endpoints.length === 0 ? ['Endpoints: <none>'] : ['Endpoints:', ...endpoints.flatMap(endpointLines)]),
    ...(await eventLines(slice, look)),
  ]
}
