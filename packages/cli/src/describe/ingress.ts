import { service } from '@skiff/api'
import { isRefusal, type JsonObject } from '@skiff/machinery'
import { at, listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { eventLines } from './event-lines.ts'
import { annotationLines, labelLines, line, nameLine, optionalLine, orNone, tagLines, timeAt } from './lines.ts'
import type { Describer, Look } from './look.ts'
import { endpointsText, slicesOf } from './services.ts'

const backendText = async (backend: JsonObject, namespace: string, look: Look): Promise<string> => {
  const target = mapAt(backend, 'service')
  if (backend.service === undefined) {
    const resource = mapAt(backend, 'resource')
    if (backend.resource === undefined) return ''
    return `APIGroup: ${orNone(textAt(resource, 'apiGroup'))}, Kind: ${textAt(resource, 'kind')}, Name: ${textAt(resource, 'name')}`
  }
  const name = textAt(target, 'name')
  const [number, portName] = [at(target, 'port.number'), textAt(target, 'port.name')]
  const shown = `${name}:${number ? number : portName}`
  try {
    const slices = await slicesOf(name, namespace, look)
    const found = await look.get(service, name, namespace)
    const port = listAt(found, 'spec.ports').findLast((each) => (number ? each.port === number : portName !== '' && each.name === portName))
    return `${shown} (${endpointsText(slices, textAt(port, 'name'))})`
  } catch (error) {
    if (!isRefusal(error)) throw error
    return `${shown} (<error: ${error.message}>)`
  }
}

const tlsLines = (entries: readonly JsonObject[]): string[] =>
  entries.length === 0
    ? []
    : [
        'TLS:',
        ...entries.map((entry) => {
          const [secret, hosts] = [textAt(entry, 'secretName'), textsAt(entry, 'hosts').join(',')]
          return line(1, secret === '' ? `SNI routes ${hosts}` : `${secret} terminates ${hosts}`)
        }),
      ]

const addressText = (ingress: JsonObject): string => {
  const addresses = listAt(ingress, 'status.loadBalancer.ingress').map((each) => textAt(each, 'ip') || textAt(each, 'hostname'))
  return [...new Set(addresses.filter((text) => text !== ''))].sort().join(',')
}

export const describeIngress: Describer = async (ingress, look) => {
  const namespace = ingress.metadata.namespace ?? ''
  const fallback = at(ingress, 'spec.defaultBackend')
  const fallbackText = fallback === undefined ? '<default>' : await backendText(fallback as JsonObject, namespace, look)
  const rules: string[] = []
  for (const rule of listAt(ingress, 'spec.rules')) {
    if (rule.http === undefined) continue
    rules.push(line(1, `${textAt(rule, 'host') || '*'}\t`))
    for (const path of listAt(rule, 'http.paths'))
      rules.push(line(2, `\t${textAt(path, 'path')} \t${await backendText(mapAt(path, 'backend'), namespace, look)}`))
  }
  return [
    nameLine(ingress),
    ...labelLines('Labels', mapAt(ingress, 'metadata.labels')),
    `Namespace:\t${namespace}`,
    `Address:\t${addressText(ingress)}`,
    `Ingress Class:\t${orNone(textAt(ingress, 'spec.ingressClassName'))}`,
    `Default backend:\t${fallbackText}`,
    ...tlsLines(listAt(ingress, 'spec.tls')),
    'Rules:',
    line(1, 'Host\tPath\tBackends'),
    line(1, '----\t----\t--------'),
    ...(rules.length === 0 ? [line(1, `*\t*\t${fallbackText}`)] : rules),
    ...annotationLines('Annotations', mapAt(ingress, 'metadata.annotations')),
    ...(await eventLines(ingress, look)),
  ]
}

export const describeIngressClass: Describer = async (ingressClass, look) => {
  const parameters = mapAt(ingressClass, 'spec.parameters')
  return [
    nameLine(ingressClass),
    ...tagLines(ingressClass),
    `Controller:\t${textAt(ingressClass, 'spec.controller')}`,
    ...(at(ingressClass, 'spec.parameters') === undefined
      ? []
      : [
          'Parameters:',
          ...optionalLine('APIGroup', parameters.apiGroup, 1),
          line(1, `Kind:\t${textAt(parameters, 'kind')}`),
          line(1, `Name:\t${textAt(parameters, 'name')}`),
        ]),
    ...(await eventLines(ingressClass, look)),
  ]
}

export const describeServiceCidr: Describer = async (cidr, look) => {
  const conditions = listAt(cidr, 'status.conditions')
  return [
    nameLine(cidr),
    ...tagLines(cidr),
    `CIDRs:\t${textsAt(cidr, 'spec.cidrs').join(', ')}`,
    ...(conditions.length === 0 ? [] : ['Status:', 'Conditions:', ...conditionTable(conditions)]),
    ...(await eventLines(cidr, look)),
  ]
}

/** Conditions with the time of their last change. */
export const conditionTable = (conditions: readonly JsonObject[]): string[] => [
  line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage'),
  line(1, '----\t------\t------------------\t------\t-------'),
  ...conditions.map((each) => {
    const cells = [
      textAt(each, 'type'),
      textAt(each, 'status'),
      timeAt(each, 'lastTransitionTime'),
      textAt(each, 'reason'),
      textAt(each, 'message'),
    ]
    return line(1, cells.join('\t'))
  }),
]

export const describeIpAddress: Describer = async (address, look) => {
  const parent = mapAt(address, 'spec.parentRef')
  const row = (title: string, key: string): string => line(1, `${title}:\t${textAt(parent, key)}`)
  return [
    nameLine(address),
    ...tagLines(address),
    ...(at(address, 'spec.parentRef') === undefined
      ? []
      : ['Parent Reference:', row('Group', 'group'), row('Resource', 'resource'), row('Namespace', 'namespace'), row('Name', 'name')]),
    ...(await eventLines(address, look)),
  ]
}
