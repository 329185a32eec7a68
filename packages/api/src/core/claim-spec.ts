import {
  addFaults,
  type FieldError,
  forbiddenField,
  invalidValue,
  isDns1123Subdomain,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  notSupported,
  required,
  validateAnnotations,
  validateLabels,
} from '@skiff/machinery'
import { addInvalid, checkSupported, type Faults, same } from '../checks/faults.ts'
import { checkLabelSelector } from '../checks/label-selector.ts'
import { checkAmount, checkPositiveAmount } from '../checks/requirements.ts'
import type {
  PersistentVolumeClaimSpec,
  PersistentVolumeClaimTemplate,
  TypedLocalObjectReference,
  TypedObjectReference,
} from '../generated/types.ts'

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']

/** Modes of claims and volumes: one pod alone, or the others. */
export const checkAccessModes = (faults: Faults, modes: readonly string[], path: string): void => {
  for (const mode of modes) if (!accessModes.includes(mode)) faults.push(notSupported(path, mode, accessModes))
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode)))
    faults.push(forbiddenField(path, 'may not use ReadWriteOncePod with other access modes'))
}

export const checkVolumeMode = (faults: Faults, mode: string | undefined, path: string): void =>
  checkSupported(faults, mode, ['Block', 'Filesystem'], path)

export const checkClaimSpec = (faults: Faults, spec: PersistentVolumeClaimSpec, path: string): void => {
  const modes = spec.accessModes ?? []
  if (modes.length === 0) faults.push(required(`${path}.accessModes`, 'at least 1 access mode is required'))
  checkLabelSelector(faults, spec.selector, `${path}.selector`)
  checkAccessModes(faults, modes, `${path}.accessModes`)
  checkStorage(faults, spec.resources?.requests?.storage, `${path}.resources[storage]`)
  if (spec.storageClassName)
    addInvalid(faults, nameIsDnsSubdomain(spec.storageClassName, false), spec.storageClassName, `${path}.storageClassName`)
  checkVolumeMode(faults, spec.volumeMode, `${path}.volumeMode`)
  if (spec.dataSource) checkDataSource(faults, spec.dataSource, `${path}.dataSource`)
  if (spec.dataSourceRef) {
    checkDataSource(faults, spec.dataSourceRef, `${path}.dataSourceRef`)
    const { namespace } = spec.dataSourceRef
    if (namespace) addInvalid(faults, nameIsDnsLabel(namespace, false), namespace, `${path}.dataSourceRef.namespace`)
  }
  addFaults(faults, dataSourceConflicts(spec, path))
}

const checkStorage = (faults: Faults, amount: string | undefined, path: string): void => {
  if (amount === undefined) {
    faults.push(required(path))
    return
  }
  const before = faults.length
  checkPositiveAmount(faults, amount, path)
  if (faults.length === before) checkAmount(faults, 'storage', { storage: amount }, path)
}

const checkDataSource = (faults: Faults, source: TypedLocalObjectReference | TypedObjectReference, path: string): void => {
  const { name, kind = '', apiGroup = '' } = source
  if (!name) faults.push(required(`${path}.name`))
  if (kind === '') faults.push(required(`${path}.kind`))
  if (apiGroup === '' && kind !== 'PersistentVolumeClaim')
    faults.push(invalidValue(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"))
  if (apiGroup !== '') addInvalid(faults, isDns1123Subdomain(apiGroup), apiGroup, `${path}.apiGroup`)
}

/** dataSource is the old form of dataSourceRef: both say the same, or only the new one is there. */
const dataSourceConflicts = ({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, path: string): FieldError[] => {
  if (!dataSource || !dataSourceRef) return []
  const shown = `${path}.dataSource`
  if (dataSourceRef.namespace) return [invalidValue(path, shown, 'may not be specified when dataSourceRef.namespace is specified')]
  const alike =
    same(dataSource.apiGroup, dataSourceRef.apiGroup) && dataSource.kind === dataSourceRef.kind && dataSource.name === dataSourceRef.name
  return alike ? [] : [invalidValue(path, shown, 'must match dataSourceRef')]
}

/** A claim that is made for a pod: its metadata has labels and annotations alone. */
export const checkClaimTemplate = (faults: Faults, template: PersistentVolumeClaimTemplate, path: string): void => {
  const metadata: object = template.metadata ?? {}
  const { annotations, labels } = template.metadata ?? {}
  addFaults(faults, validateAnnotations(annotations, `${path}.metadata.annotations`))
  addFaults(faults, validateLabels(labels, `${path}.metadata.labels`))
  for (const field of Object.keys(metadata))
    if (field !== 'annotations' && field !== 'labels') faults.push(forbiddenField(`${path}.metadata.${field}`, 'cannot be set'))
  checkClaimSpec(faults, template.spec ?? {}, `${path}.spec`)
}
