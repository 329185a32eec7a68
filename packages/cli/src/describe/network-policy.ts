import { formatLabelSelector, type JsonObject } from '@skiff/machinery'
import { at, listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { goTimeText, line, nameLines, orNone, tagLines } from './lines.ts'
import type { Describer } from './look.ts'

const indent = '    '

const portLines = (ports: readonly JsonObject[]): string[] =>
  ports.length === 0
    ? [`${indent}To Port: <any> (traffic allowed to all ports)`]
    : ports.map((each) => {
        const protocol = textAt(each, 'protocol') || 'TCP'
        const port = at(each, 'port') === undefined ? '<nil>' : textAt(each, 'port')
        return each.endPort === undefined
          ? `${indent}To Port: ${port}/${protocol}`
          : `${indent}To Port Range: ${port}-${each.endPort}/${protocol}`
      })

const peerLines = (peer: JsonObject): string[] => {
  const selector = (title: string, key: string): string[] =>
    peer[key] === undefined ? [] : [line(1, `${indent}${title}: ${formatLabelSelector(mapAt(peer, key) as never)}`)]
  const selectors = [...selector('NamespaceSelector', 'namespaceSelector'), ...selector('PodSelector', 'podSelector')]
  if (selectors.length > 0 || peer.ipBlock === undefined) return selectors
  return [
    line(1, `${indent}IPBlock:`),
    line(2, `${indent}CIDR: ${textAt(peer, 'ipBlock.cidr')}`),
    line(2, `${indent}Except: ${textsAt(peer, 'ipBlock.except').join(', ')}`),
  ]
}

interface Direction {
  readonly name: 'ingress' | 'egress'
  readonly peers: 'from' | 'to'
  readonly title: string
  readonly unrestricted: string
}

const directions: Readonly<Record<string, Direction>> = {
  Ingress: { name: 'ingress', peers: 'from', title: 'From', unrestricted: 'traffic not restricted by source' },
  Egress: { name: 'egress', peers: 'to', title: 'To', unrestricted: 'traffic not restricted by destination' },
}

const ruleLines = (rules: readonly JsonObject[], { name, peers, title, unrestricted }: Direction): string[] => {
  if (rules.length === 0) return [`${indent}<none> (Selected pods are isolated for ${name} connectivity)`]
  return rules.flatMap((rule, i) => {
    const all = listAt(rule, peers)
    return [
      ...portLines(listAt(rule, 'ports')),
      ...(all.length === 0
        ? [`${indent}${title}: <any> (${unrestricted})`]
        : all.flatMap((peer) => [`${indent}${title}:`, ...peerLines(peer)])),
      ...(i < rules.length - 1 ? [`${indent}----------`] : []),
    ]
  })
}

export const describeNetworkPolicy: Describer = async (policy) => {
  const selector = mapAt(policy, 'spec.podSelector')
  const types = textsAt(policy, 'spec.policyTypes')
  const empty = listAt(selector, 'matchExpressions').length + Object.keys(mapAt(selector, 'matchLabels')).length === 0
  const selected = empty ? '<none> (Allowing the specific traffic to all pods in this namespace)' : formatLabelSelector(selector as never)
  return [
    ...nameLines(policy),
    `Created on:\t${goTimeText(textAt(policy, 'metadata.creationTimestamp'))}`,
    ...tagLines(policy),
    'Spec:',
    line(1, `PodSelector: ${line(2, selected)}`),
    ...Object.entries(directions).flatMap(([type, direction]) =>
      types.includes(type)
        ? [line(1, `Allowing ${direction.name} traffic:`), ...ruleLines(listAt(policy, ['spec', direction.name]), direction)]
        : [line(1, `Not affecting ${direction.name} traffic`)],
    ),
    line(1, `Policy Types: ${orNone(types.join(', '))}`),
  ]
}
