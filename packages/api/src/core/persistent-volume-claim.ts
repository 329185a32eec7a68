import {
  compareQuantities,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  notSupported,
  parseQuantity,
  quantityValue,
  required,
} from '@skiff/machinery'
import { differences } from '../checks/diff.ts'
import { addInvalid, checkImmutable, collect, type Faults, immutableText, keysOf, same } from '../checks/faults.ts'
import { isNativeResource } from '../checks/resource-names.ts'
import { inField, withField } from '../defaults/patch.ts'
import { roundRequirements, roundResources } from '../defaults/quantities.ts'
import { isOn } from '../features/scope.ts'
import { persistentVolumeClaim as claimResource } from '../generated/resources.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { checkClaimSpec } from './claim-spec.ts'

const classAnnotation = 'volume.beta.kubernetes.io/storage-class'
const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
]

/** Also of the claims that a StatefulSet's templates stand for. */
export const defaultClaim = (claim: PersistentVolumeClaim): PersistentVolumeClaim => {
  const spec = claim.spec && inField(claim.spec, 'resources', roundRequirements)
  const next = spec === claim.spec ? claim : { ...claim, spec }
  const phase = next.status?.phase ?? 'Pending'
  const status = next.status?.capacity ? inField(next.status, 'capacity', roundResources) : next.status
  if (status?.phase === phase && status === next.status) return next
  return { ...next, status: { ...status, phase } }
}

/** dataSource and dataSourceRef fill in each other. */
const normalise = (spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec | undefined): PersistentVolumeClaimSpec => {
  let next = spec
  // Without its feature, a reference into another namespace goes as a whole.
  if (!isOn('CrossNamespaceVolumeDataSource') && next.dataSourceRef?.namespace !== undefined && !old?.dataSourceRef?.namespace) {
    const { dataSourceRef: _, ...rest } = next
    next = rest
  }
  if (next.dataSource && !next.dataSourceRef) return { ...next, dataSourceRef: next.dataSource }
  if (!next.dataSource && next.dataSourceRef && !next.dataSourceRef.namespace) {
    const { namespace: _, ...dataSource } = next.dataSourceRef
    return { ...next, dataSource }
  }
  return next
}

/** The new spec with what may change set back. */
const withOldMutables = (next: PersistentVolumeClaim, old: PersistentVolumeClaim): PersistentVolumeClaimSpec => {
  let { spec } = next
  if (!old.spec.volumeName) spec = withField(spec, 'volumeName', old.spec.volumeName as string)
  const fromAnnotation = old.metadata.annotations?.[classAnnotation]
  if (old.spec.storageClassName === undefined && (fromAnnotation === undefined || fromAnnotation === spec.storageClassName))
    spec = withField(spec, 'storageClassName', undefined as unknown as string)
  if (next.status?.phase !== 'Bound') return spec
  const storage = old.spec.resources?.requests?.storage
  if (isOn('VolumeAttributesClass') && spec.volumeAttributesClassName !== undefined)
    spec = withField(spec, 'volumeAttributesClassName', old.spec.volumeAttributesClassName as string)
  if (storage !== undefined && spec.resources?.requests)
    spec = { ...spec, resources: { ...spec.resources, requests: { ...spec.resources.requests, storage } } }
  return spec
}

const plain = (value: PersistentVolumeClaimSpec): unknown => JSON.parse(JSON.stringify(value))

const checkUpdate = (faults: Faults, next: PersistentVolumeClaim, old: PersistentVolumeClaim): void => {
  checkClaimSpec(faults, next.spec, 'spec')
  const [now, before] = [next.metadata.annotations?.[classAnnotation] ?? '', old.metadata.annotations?.[classAnnotation] ?? '']
  if (now !== before) faults.push(invalidValue(`metadata.annotations.${classAnnotation}`, now, immutableText))
  const rest = plain(withOldMutables(next, old))
  if (!same(rest, plain(old.spec)))
    faults.push(
      forbiddenField(
        'spec',
        `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${differences(old.spec, rest)}`,
      ),
    )
  checkSize(faults, next, old)
  checkImmutable(faults, next.spec.volumeMode, old.spec.volumeMode, 'volumeMode')
}

/** A claim may shrink back to what it has, to get out of an expansion that failed. */
const checkSize = (faults: Faults, next: PersistentVolumeClaim, old: PersistentVolumeClaim): void => {
  const size = next.spec.resources?.requests?.storage ?? '0'
  if (compareQuantities(size, old.spec.resources?.requests?.storage ?? '0') >= 0) return
  if (!isOn('RecoverVolumeExpansionFailure'))
    faults.push(forbiddenField('spec.resources.requests.storage', 'field can not be less than previous value'))
  else if (compareQuantities(size, old.status?.capacity?.storage ?? '0') <= 0)
    faults.push(forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity'))
}

const checkStatus = (faults: Faults, next: PersistentVolumeClaim): void => {
  if (!next.spec.accessModes?.length) faults.push(required('Spec.accessModes'))
  const { capacity, allocatedResources, allocatedResourceStatuses: states } = next.status ?? {}
  const amount = (list: Readonly<Record<string, string>> | undefined, name: string, path: string) => {
    const value = quantityValue(list?.[name] as string)
    if (value < 0) faults.push(invalidValue(`${path}[${name}]`, value, 'must be a valid resource quantity'))
  }
  for (const name of keysOf(capacity)) amount(capacity, name, 'status.capacity')
  for (const name of keysOf(states)) {
    checkKey(faults, name, 'status.allocatedResourceStatus')
    if (!resizeStates.includes(states?.[name] as string))
      faults.push(notSupported('status.allocatedResourceStatus', name, [...resizeStates].sort()))
  }
  for (const name of keysOf(allocatedResources)) {
    checkKey(faults, name, 'status.allocatedResources')
    amount(allocatedResources, name, 'status.allocatedResources')
  }
}

const checkKey = (faults: Faults, name: string, path: string): void => {
  const messages = isQualifiedName(name)
  addInvalid(faults, messages, name, path)
  if (messages.length === 0 && isNativeResource(name) && name !== 'storage') faults.push(notSupported(path, name, ['storage']))
}

/** A size has no parts of a byte, though a quantity may. */
const isWhole = (text: string): boolean => {
  const { unscaled, scale } = parseQuantity(text)
  return scale >= 0 || unscaled % 10n ** BigInt(-scale) === 0n
}
const warningsOf = ({ metadata, spec }: PersistentVolumeClaim): readonly string[] => [
  ...(metadata.annotations?.[classAnnotation] !== undefined
    ? [`metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`]
    : []),
  ...(['requests', 'limits'] as const).flatMap((list) => {
    const size = spec.resources?.[list]?.storage
    if (size === undefined || isWhole(size)) return []
    return [`spec.resources.${list}[storage]: fractional byte value ${JSON.stringify(size)} is invalid, must be an integer`]
  }),
]

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>(claimResource, {
  generation: false,
  default: defaultClaim,
  prepareForCreate: (next) => ({ ...next, spec: normalise(next.spec, undefined), status: { phase: 'Pending' } }),
  prepareForUpdate: (next, old) => withField(next, 'spec', normalise(next.spec, old.spec)),
  createChecksOnUpdate: 1,
  validate: (next) => collect((faults) => checkClaimSpec(faults, next.spec, 'spec')),
  warnings: warningsOf,
  validateUpdate: (next, old) => collect((faults) => checkUpdate(faults, next, old)),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next) => collect((faults) => checkStatus(faults, next)),
    },
  },
})
