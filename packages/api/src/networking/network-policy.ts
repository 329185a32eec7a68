import { cidrContains, forbiddenField, invalidValue, isPortName, notSupported, parseCidr, required } from '@skiff/machinery'
import { cidrWarnings } from '../checks/address-warnings.ts'
import { addInvalid, checkSupported, collect, type Faults, invalidShown } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { checkCidr } from '../checks/ip.ts'
import { checkLabelSelector } from '../checks/label-selector.ts'
import { checkPortNumber } from '../checks/ports.ts'
import { withField } from '../defaults/patch.ts'
import { networkPolicy as networkPolicyResource } from '../generated/resources.ts'
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const defaultSpec = (spec: NetworkPolicySpec): NetworkPolicySpec => {
  if (spec.policyTypes?.length) return spec
  return { ...spec, policyTypes: spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'] }
}

const checkPort = (faults: Faults, { protocol, port, endPort }: NetworkPolicyPort, path: string): void => {
  checkSupported(faults, protocol, ['TCP', 'UDP', 'SCTP'], `${path}.protocol`)
  if (typeof port === 'number') {
    checkPortNumber(faults, port, `${path}.port`)
    if (endPort === undefined) return
    // Upstream shows the port here.
    if (endPort < port) faults.push(invalidValue(`${path}.endPort`, port, 'must be greater than or equal to `port`'))
    checkPortNumber(faults, endPort, `${path}.endPort`)
  } else if (typeof port === 'string') {
    if (endPort !== undefined) faults.push(invalidValue(`${path}.endPort`, endPort, 'may not be specified when `port` is non-numeric'))
    addInvalid(faults, isPortName(port), port, `${path}.port`)
  } else if (endPort !== undefined)
    faults.push(invalidValue(`${path}.endPort`, endPort, 'may not be specified when `port` is not specified'))
}

const checkPeer = (faults: Faults, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: string): void => {
  checkLabelSelector(faults, podSelector, `${path}.podSelector`)
  checkLabelSelector(faults, namespaceSelector, `${path}.namespaceSelector`)
  if (ipBlock) checkBlock(faults, ipBlock, `${path}.ipBlock`)
  if (!podSelector && !namespaceSelector && !ipBlock) faults.push(required(path, 'must specify a peer'))
  else if (ipBlock && (podSelector || namespaceSelector)) faults.push(forbiddenField(path, 'may not specify both ipBlock and another peer'))
}

const checkBlock = (faults: Faults, { cidr, except }: IPBlock, path: string): void => {
  if (!cidr) {
    faults.push(required(`${path}.cidr`))
    return
  }
  const whole = parseCidr(cidr)
  checkCidr(faults, cidr, `${path}.cidr`)
  if (!whole) return
  except?.forEach((text, index) => {
    const part = parseCidr(text)
    const at = `${path}.except[${index}]`
    checkCidr(faults, text, at)
    if (!part) return
    const inside = cidrContains(whole, text.slice(0, text.indexOf('/')))
    if (!inside || whole.prefixLength >= part.prefixLength) faults.push(invalidValue(at, text, 'must be a strict subset of `cidr`'))
  })
}

const checkSpec = (faults: Faults, spec: NetworkPolicySpec): void => {
  checkLabelSelector(faults, spec.podSelector ?? {}, 'spec.podSelector')
  const rule = (
    ports: readonly NetworkPolicyPort[] | undefined,
    peers: readonly NetworkPolicyPeer[] | undefined,
    path: string,
    word: string,
  ) => {
    ports?.forEach((port, index) => {
      checkPort(faults, port, `${path}.ports[${index}]`)
    })
    peers?.forEach((peer, index) => {
      checkPeer(faults, peer, `${path}.${word}[${index}]`)
    })
  }
  spec.ingress?.forEach(({ ports, from }, index) => {
    rule(ports, from, `spec.ingress[${index}]`, 'from')
  })
  spec.egress?.forEach(({ ports, to }, index) => {
    rule(ports, to, `spec.egress[${index}]`, 'to')
  })
  const types = spec.policyTypes ?? []
  if (types.length > 2)
    faults.push(invalidShown('spec.policyTypes', goStrings(types, 'networking.PolicyType'), 'may not specify more than two policyTypes'))
  else
    types.forEach((type, index) => {
      if (type !== 'Ingress' && type !== 'Egress') faults.push(notSupported(`spec.policyTypes[${index}]`, type, ['Ingress', 'Egress']))
    })
}

const blockWarnings = (peers: readonly NetworkPolicyPeer[] = [], path: string): readonly string[] =>
  peers.flatMap(({ ipBlock }, index) =>
    ipBlock
      ? [
          ...cidrWarnings(`${path}[${index}].ipBlock.cidr`, ipBlock.cidr),
          ...(ipBlock.except ?? []).flatMap((range, at) => cidrWarnings(`${path}[${index}].ipBlock.except[${at}]`, range)),
        ]
      : [],
  )

export const networkPolicy = defineKind<NetworkPolicy>(networkPolicyResource, {
  // Upstream knows the internal type under extensions as well, and under that name first.
  internalGroup: 'extensions',
  default: (object) => withField(object, 'spec', defaultSpec(object.spec)),
  createChecksOnUpdate: 1,
  validate: (next) => collect((faults) => checkSpec(faults, next.spec)),
  warnings: ({ spec }) => [
    ...(spec.ingress ?? []).flatMap(({ from }, index) => blockWarnings(from, `spec.ingress[${index}].from`)),
    ...(spec.egress ?? []).flatMap(({ to }, index) => blockWarnings(to, `spec.egress[${index}].to`)),
  ],
})
