import type { Pod } from '@skiff/api'
import type { Authorizer } from '../authorize.ts'
import type { Cache } from '../registry/cache.ts'
import { podsByNode } from './pods-by-node.ts'
import type { Rbac } from './rbac.ts'

const prefix = 'system:node:'
const allowed = { allowed: true, reason: '' }

/** Objects that a node may read only when one of its pods names them. */
const guarded = new Set(['secrets', 'configmaps'])

/**
 * Upstream's Node authorizer on top of RBAC: a member of system:nodes has the rights of the role system:node, but reads secrets and
 * config maps of its own pods alone, one by one.
 */
export const withNodes = (rbac: Rbac, pods: Cache): Authorizer => {
  const podsOf = podsByNode(pods)
  return (attributes) => {
    const decision = rbac.authorize(attributes)
    const { identity, resource, subresource, group, name, namespace } = attributes
    if (decision.allowed || !identity.name.startsWith(prefix) || !identity.groups.includes('system:nodes')) return decision
    if (!rbac.covers('/system:node', attributes)) return decision
    if (group !== '' || subresource !== '' || !guarded.has(resource)) return allowed
    const node = identity.name.slice(prefix.length)
    if (name !== '' && namedByPods(podsOf(node), namespace, resource, name)) return allowed
    return { allowed: false, reason: `no relationship found between node '${node}' and this object` }
  }
}

const namedByPods = (pods: Iterable<Pod>, namespace: string, resource: string, name: string): boolean => {
  for (const pod of pods) if (pod.metadata.namespace === namespace && names(pod, resource, name)) return true
  return false
}

const names = ({ spec }: Pod, resource: string, name: string): boolean => {
  const secret = resource === 'secrets'
  if (secret && spec.imagePullSecrets?.some((each) => each.name === name)) return true
  for (const volume of spec.volumes ?? []) {
    if (secret ? volume.secret?.secretName === name : volume.configMap?.name === name) return true
    if (volume.projected?.sources?.some((source) => (secret ? source.secret?.name : source.configMap?.name) === name)) return true
  }
  const containers = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])]
  return containers.some(
    (container) =>
      container.envFrom?.some((from) => (secret ? from.secretRef?.name : from.configMapRef?.name) === name) ||
      container.env?.some((env) => (secret ? env.valueFrom?.secretKeyRef?.name : env.valueFrom?.configMapKeyRef?.name) === name),
  )
}
