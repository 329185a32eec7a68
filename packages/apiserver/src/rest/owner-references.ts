import type { KubeObject } from '@skiff/machinery'

const text = (after: boolean, uids: readonly string[]): string =>
  `.metadata.ownerReferences contains duplicate entries${after ? ' after mutating admission happens' : ''}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: [${uids.join(' ')}]`

/** An object without owner references that are there twice, and a warning of them. Patches are looked at after mutating admission. */
export const withoutDuplicateOwners = (object: KubeObject, warnings: string[], after: boolean): KubeObject => {
  const owners = object.metadata.ownerReferences
  if (owners === undefined || owners.length < 2) return object
  const met = new Set<string>()
  const doubled: string[] = []
  const kept = owners.filter(({ uid, apiVersion, kind, name, controller, blockOwnerDeletion }) => {
    const key = JSON.stringify([uid, apiVersion, kind, name, controller, blockOwnerDeletion])
    if (met.has(key)) doubled.push(uid)
    const first = !met.has(key)
    met.add(key)
    return first
  })
  if (doubled.length === 0) return object
  warnings.push(text(after, doubled))
  return { ...object, metadata: { ...object.metadata, ownerReferences: kept } }
}
