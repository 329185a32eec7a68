import type { Namespace } from '@skiff/api'
import { forbidden, notFound, Refusal } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import { find } from '../registry/tree.ts'
import { namedOf } from '../rest/context.ts'
import type { AdmissionPlugin } from './admission.ts'
import type { AdmissionSources } from './sources.ts'

const immortal = new Set(['default', 'kube-system', 'kube-public'])

/** Nothing is made in a namespace that is absent or on its way out; the system's own namespaces stay. */
export const namespaceLifecycle = ({ registry, storage }: AdmissionSources): AdmissionPlugin => {
  let cache: Cache | undefined
  const load = async (): Promise<Cache> => {
    const kind = registry.find('', 'v1', 'namespaces')
    if (!kind) throw new Error('the registry has no namespaces')
    cache = await storage.cache(kind)
    return cache
  }
  return {
    name: 'NamespaceLifecycle',
    mutate: (request) => {
      const { kind, verb, namespace, name } = request
      const isNamespace = kind.group === '' && kind.plural === 'namespaces'
      if (isNamespace) {
        if (verb === 'delete' && immortal.has(name)) throw forbidden(namedOf(kind), name, 'this namespace may not be deleted')
        return request.object
      }
      if (verb !== 'create' || !kind.namespaced || namespace === undefined) return request.object
      // An access review asks about a namespace and makes nothing in it.
      if (kind.group === 'authorization.k8s.io') return request.object
      if (cache) return checked(cache, request)
      return load().then((loaded) => checked(loaded, request))
    },
  }
}

const checked = (cache: Cache, request: Parameters<NonNullable<AdmissionPlugin['mutate']>>[0]) => {
  const { kind, name, object } = request
  const namespace = request.namespace as string
  const held = find(cache.tree, namespace)?.object as Namespace | undefined
  if (!held) throw notFound({ group: '', resource: 'namespaces' }, namespace)
  if (held.status?.phase !== 'Terminating') return object
  const refusal = forbidden(namedOf(kind), name, `unable to create new content in namespace ${namespace} because it is being terminated`)
  throw new Refusal(403, 'Forbidden', refusal.message, {
    ...refusal.status.details,
    causes: [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
  })
}
