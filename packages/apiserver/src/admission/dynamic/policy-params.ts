import type { LabelSelector, ParamRef, ValidatingAdmissionPolicy } from '@skiff/api'
import { compileLabelSelector, type KubeObject } from '@skiff/machinery'
import { prepareServed } from '../../registry/converting.ts'
import { entriesOf, find } from '../../registry/tree.ts'
import type { AdmissionRequest } from '../admission.ts'
import type { AdmissionSources } from '../sources.ts'
import { inVersion } from './review.ts'

/** Why there are no parameters where there must be some. */
export class ParamFault extends Error {}

/** The parameters that a binding names; one undefined where the policy takes none. */
export const paramsOf = async (
  { registry, storage }: AdmissionSources,
  { spec: { paramKind } }: ValidatingAdmissionPolicy,
  ref: ParamRef | undefined,
  request: AdmissionRequest,
): Promise<readonly (KubeObject | undefined)[]> => {
  if (!paramKind || !ref) return [undefined]
  const { apiVersion = '', kind: name = '' } = paramKind
  const [version = '', group = ''] = apiVersion.split('/').toReversed()
  const kind = registry.findKind(group, version, name)
  if (!kind) throw new ParamFault(`paramKind kind \`${apiVersion}, Kind=${name}\` not known`)
  if (ref.namespace && !kind.namespaced) throw new ParamFault('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  const namespace = ref.namespace || request.namespace
  if (kind.namespaced && !namespace)
    throw new ParamFault('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  const cache = await storage.cache(registry.stored(kind))
  const prefix = kind.namespaced ? `${namespace}/` : ''
  const named = ref.name ? find(cache.tree, `${prefix}${ref.name}`) : undefined
  await prepareServed(kind, named ? [named] : ref.name ? [] : [...entriesOf(cache.tree, prefix)])
  const shown = (object: KubeObject) => inVersion(registry.stored(kind), kind, object) as KubeObject
  const found = ref.name
    ? named
      ? [shown(named.object)]
      : []
    : selected(
        ref.selector,
        [...entriesOf(cache.tree, prefix)].map((entry) => shown(entry.object)),
      )
  if (found.length === 0 && ref.parameterNotFoundAction === 'Deny')
    throw new ParamFault('no params found for policy binding with `Deny` parameterNotFoundAction')
  return found
}

const selected = (selector: LabelSelector | undefined, objects: readonly KubeObject[]): readonly KubeObject[] => {
  const { matches } = compileLabelSelector(selector ?? {})
  return objects.filter(({ metadata }) => matches(metadata.labels ?? {}))
}
