import { isDeepStrictEqual } from 'node:util'
import type { Node, Pod } from '@skiff/api'
import { forbidden, quoted } from '@skiff/machinery'
import { namedOf } from '../rest/context.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { lookup } from './lookup.ts'
import type { AdmissionSources } from './sources.ts'

const prefix = 'system:node:'
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** A node's agent changes what belongs to its own node, and nothing else. */
export const nodeRestriction = (sources: AdmissionSources): AdmissionPlugin => {
  const pods = lookup<Pod>(sources, '', 'v1', 'pods')
  return {
    name: 'NodeRestriction',
    validate: (request) => {
      const { identity, kind } = request
      if (!identity.name.startsWith(prefix) || !identity.groups.includes('system:nodes')) return undefined
      const node = identity.name.slice(prefix.length)
      switch (`${kind.group}/${kind.plural}`) {
        case '/pods':
          return checkPod(request, node)
        case '/nodes':
          return checkNode(request, node)
        case 'coordination.k8s.io/leases':
          return checkLease(request, node)
        case 'storage.k8s.io/csinodes':
          if (request.name !== node) refuse(request, 'can only access CSINode with the same name as the requesting node')
          return undefined
        case '/serviceaccounts':
          return request.subresource === 'token' ? checkToken(request, node, (key) => pods.get(key)) : undefined
        default:
          return undefined
      }
    },
  }
}

const refuse = (request: AdmissionRequest, text: string): never => {
  throw forbidden(namedOf(request.kind), request.name, text)
}

const checkPod = (request: AdmissionRequest, node: string): undefined => {
  const { verb, subresource, object, old } = request
  const quotedNode = quoted(node)
  const pod = (old ?? object) as Pod
  if (subresource === 'eviction') {
    if (old && pod.spec.nodeName !== node) refuse(request, `node ${node} can only evict pods with spec.nodeName set to itself`)
    return undefined
  }
  if (subresource === 'status') {
    if (pod.spec.nodeName !== node)
      refuse(request, `node ${quotedNode} can only update pod status for pods with spec.nodeName set to itself`)
    if (!isDeepStrictEqual(object?.metadata.labels ?? {}, old?.metadata.labels ?? {}))
      refuse(request, `node ${quotedNode} cannot update labels through pod status`)
    return undefined
  }
  if (subresource !== undefined)
    refuse(request, `unexpected pod subresource ${quoted(subresource)}, only 'status' and 'eviction' are allowed`)
  if (verb === 'delete') {
    if (pod.spec.nodeName !== node) refuse(request, `node ${quotedNode} can only delete pods with spec.nodeName set to itself`)
    return undefined
  }
  if (verb !== 'create')
    refuse(request, `unexpected operation "${verb.toUpperCase()}", node ${quotedNode} can only create and delete mirror pods`)
  if (pod.metadata.annotations?.[mirrorAnnotation] === undefined)
    refuse(request, `pod does not have "${mirrorAnnotation}" annotation, node ${quotedNode} can only create mirror pods`)
  if (pod.spec.nodeName !== node) refuse(request, `node ${quotedNode} can only create pods with spec.nodeName set to itself`)
  if (pod.spec.serviceAccountName) refuse(request, `node ${quotedNode} can not create pods that reference a service account`)
  return undefined
}

/** Labels of kubernetes.io that an agent may set on its own node. */
const ownLabels = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'node.kubernetes.io/windows-build',
])

const mayLabel = (label: string): boolean => {
  const domain = label.includes('/') ? (label.split('/')[0] as string) : ''
  if (domain === 'node-restriction.kubernetes.io' || domain.endsWith('.node-restriction.kubernetes.io')) return false
  const reserved = /(^|\.)(kubernetes|k8s)\.io$/.test(domain)
  if (!reserved) return true
  return ownLabels.has(label) || /(^|\.)(kubelet|node)\.kubernetes\.io$/.test(domain)
}

const checkNode = (request: AdmissionRequest, node: string): undefined => {
  const { verb, name, subresource, object, old } = request
  if (name !== node) refuse(request, `node ${quoted(node)} is not allowed to modify node ${quoted(name)}`)
  if (verb === 'delete' || (subresource !== undefined && subresource !== 'status')) return undefined
  const [next, before] = [object as Node, old as Node | undefined]
  const labels = next.metadata.labels ?? {}
  const held = before?.metadata.labels ?? {}
  const changed = [...new Set([...Object.keys(labels), ...Object.keys(held)])].filter((label) => labels[label] !== held[label])
  const bad = changed.filter((label) => !mayLabel(label)).sort()
  if (bad.length > 0)
    refuse(
      request,
      verb === 'create'
        ? `node ${quoted(node)} is not allowed to set the following labels: ${bad.join(', ')}`
        : `is not allowed to modify labels: ${bad.join(', ')}`,
    )
  if (before && subresource === undefined && !isDeepStrictEqual(next.spec?.taints ?? [], before.spec?.taints ?? []))
    refuse(request, `node ${quoted(node)} is not allowed to modify taints`)
  return undefined
}

const checkLease = (request: AdmissionRequest, node: string): undefined => {
  if (request.namespace !== 'kube-node-lease') refuse(request, 'can only access leases in the "kube-node-lease" system namespace')
  if (request.name !== node) refuse(request, 'can only access node lease with the same name as the requesting node')
  return undefined
}

interface TokenAsk {
  readonly spec?: { readonly boundObjectRef?: { readonly kind?: string; readonly name?: string; readonly uid?: string } }
}

const checkToken = async (
  request: AdmissionRequest,
  node: string,
  podOf: (key: string) => Promise<Pod | undefined>,
): Promise<undefined> => {
  const ref = (request.object as TokenAsk | undefined)?.spec?.boundObjectRef
  if (ref?.kind !== 'Pod') return refuse(request, 'node requested token not bound to a pod')
  if (!ref.uid) return refuse(request, 'node requested token with a pod binding without a uid')
  const pod = await podOf(`${request.namespace}/${ref.name}`)
  if (!pod) return refuse(request, `pod ${quoted(ref.name ?? '')} not found`)
  if (pod.metadata.uid !== ref.uid)
    return refuse(
      request,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record (${pod.metadata.uid}). The object might have been deleted and then recreated`,
    )
  if (pod.spec.nodeName !== node) return refuse(request, 'node requested token bound to a pod scheduled on a different node')
  return undefined
}
