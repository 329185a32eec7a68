import type { PersistentVolumeClaim, StorageClass } from '@skiff/api'
import { compareQuantities, forbidden } from '@skiff/machinery'
import { namedOf } from '../rest/context.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { lookup } from './lookup.ts'
import type { AdmissionSources } from './sources.ts'

const defaultAnnotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']
const oldClassAnnotation = 'volume.beta.kubernetes.io/storage-class'

const isClaim = ({ kind, subresource }: AdmissionRequest): boolean =>
  kind.group === '' && kind.plural === 'persistentvolumeclaims' && subresource === undefined

/** A claim that names no class gets the default one: of several the newest, and of those the first by name. */
export const defaultStorageClass = (sources: AdmissionSources): AdmissionPlugin => {
  const classes = lookup<StorageClass>(sources, 'storage.k8s.io', 'v1', 'storageclasses')
  return {
    name: 'DefaultStorageClass',
    mutate: (request) => {
      const { verb, object } = request
      if (!isClaim(request) || verb !== 'create') return object
      const claim = object as PersistentVolumeClaim
      if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[oldClassAnnotation] !== undefined) return object
      return classes.list().then((all) => {
        const chosen = all.filter(isDefault).sort(newestFirst)[0]
        return chosen ? { ...claim, spec: { ...claim.spec, storageClassName: chosen.metadata.name } } : claim
      })
    },
  }
}

const isDefault = ({ metadata }: StorageClass): boolean => defaultAnnotations.some((name) => metadata.annotations?.[name] === 'true')
const newestFirst = (a: StorageClass, b: StorageClass): number =>
  Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1)

/** Claims and volumes in use stay until their users are gone. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate: ({ kind, verb, subresource, object }) => {
    if (kind.group !== '' || verb !== 'create' || subresource !== undefined || !object) return object
    const finalizer =
      kind.plural === 'persistentvolumeclaims'
        ? 'kubernetes.io/pvc-protection'
        : kind.plural === 'persistentvolumes'
          ? 'kubernetes.io/pv-protection'
          : undefined
    const held = object.metadata.finalizers ?? []
    if (!finalizer || held.includes(finalizer)) return object
    return { ...object, metadata: { ...object.metadata, finalizers: [...held, finalizer] } }
  },
}

/** Only bound claims grow, and only where their class lets volumes grow. */
export const persistentVolumeClaimResize = (sources: AdmissionSources): AdmissionPlugin => {
  const classes = lookup<StorageClass>(sources, 'storage.k8s.io', 'v1', 'storageclasses')
  return {
    name: 'PersistentVolumeClaimResize',
    validate: (request) => {
      const { kind, verb, object, old, name } = request
      if (!isClaim(request) || verb !== 'update') return undefined
      const [next, before] = [object as PersistentVolumeClaim, old as PersistentVolumeClaim]
      const [size, oldSize] = [next.spec.resources?.requests?.storage ?? '0', before.spec.resources?.requests?.storage ?? '0']
      if (compareQuantities(size, oldSize) <= 0) return undefined
      if (before.status?.phase !== 'Bound') throw forbidden(namedOf(kind), name, 'Only bound persistent volume claims can be expanded')
      const className = next.metadata.annotations?.[oldClassAnnotation] ?? next.spec.storageClassName ?? ''
      return (className ? classes.get(className) : Promise.resolve(undefined)).then((found) => {
        if (found?.allowVolumeExpansion) return undefined
        throw forbidden(
          namedOf(kind),
          name,
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
        )
      })
    },
  }
}
