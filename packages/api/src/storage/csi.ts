import {
  duplicate,
  invalidValue,
  isQualifiedName,
  nameIsDnsSubdomain,
  notSupported,
  quantitySign,
  quoted,
  repeats,
  required,
} from '@skiff/machinery'
import {
  addInvalid,
  checkImmutable,
  checkNonNegative,
  checkSupported,
  collect,
  type Faults,
  immutableText,
  invalidShown,
  negativeText,
  same,
} from '../checks/faults.ts'
import { goPointer, goSelector, goStrings, goStringsOf } from '../checks/go-syntax.ts'
import { checkLabelSelector } from '../checks/label-selector.ts'
import { nodeSelectorWarnings } from '../checks/node-label-warnings.ts'
import { sharedSources } from '../core/volume-sources.ts'
import { withDefaults, withField } from '../defaults/patch.ts'
import { isOn } from '../features/scope.ts'
import * as resources from '../generated/resources.ts'
import type { CSIDriver, CSIDriverSpec, CSINode, CSINodeDriver, CSIStorageCapacity } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const shortestTokenSeconds = 600
const longestTokenSeconds = 2 ** 32
const longestNodeId = 192

const driverDefaults: Partial<CSIDriverSpec> = {
  attachRequired: true,
  podInfoOnMount: false,
  storageCapacity: false,
  fsGroupPolicy: 'ReadWriteOnceWithFSType',
  volumeLifecycleModes: ['Persistent'],
  requiresRepublish: false,
  seLinuxMount: false,
}

const checkDriver = (faults: Faults, spec: CSIDriverSpec): void => {
  if (spec.attachRequired === undefined) faults.push(required('spec.attachedRequired'))
  if (spec.podInfoOnMount === undefined) faults.push(required('spec.podInfoOnMount'))
  if (spec.storageCapacity === undefined) faults.push(required('spec.storageCapacity'))
  checkSupported(faults, spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType'], 'spec.fsGroupPolicy')
  checkTokenRequests(faults, spec.tokenRequests ?? [], 'spec.tokenRequests')
  for (const mode of spec.volumeLifecycleModes ?? [])
    if (mode !== 'Persistent' && mode !== 'Ephemeral')
      faults.push(notSupported('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral']))
}

const checkTokenRequests = (faults: Faults, requests: NonNullable<CSIDriverSpec['tokenRequests']>, path: string): void => {
  const audiences = new Set<string>()
  requests.forEach(({ audience = '', expirationSeconds: seconds }, index) => {
    if (audiences.has(audience)) {
      faults.push(duplicate(`${path}[${index}].audience`, audience))
      return
    }
    audiences.add(audience)
    const at = `${path}[${index}].expirationSeconds`
    if (seconds !== undefined && seconds < shortestTokenSeconds)
      faults.push(invalidValue(at, seconds, 'may not specify a duration less than 10 minutes'))
    if (seconds !== undefined && seconds > longestTokenSeconds)
      faults.push(invalidValue(at, seconds, 'may not specify a duration larger than 2^32 seconds'))
  })
}

export const csiDriver = defineKind<CSIDriver>(resources.csiDriver, {
  generation: false,
  requireResourceVersion: true,
  default: (object) => withField(object, 'spec', withDefaults(object.spec, driverDefaults)),
  validate: (next) => collect((faults) => checkDriver(faults, next.spec)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkImmutable(faults, next.spec.attachRequired, old.spec.attachRequired, 'spec.attachedRequired')
      checkImmutable(faults, next.spec.fsGroupPolicy, old.spec.fsGroupPolicy, 'spec.fsGroupPolicy')
      if (!same(next.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes))
        faults.push(
          invalidShown(
            'spec.volumeLifecycleModes',
            goStrings(next.spec.volumeLifecycleModes, 'storage.VolumeLifecycleMode'),
            immutableText,
          ),
        )
      checkTokenRequests(faults, next.spec.tokenRequests ?? [], 'spec.tokenRequests')
    }),
})

const checkNodeDriver = (faults: Faults, driver: CSINodeDriver, names: Set<string>, path: string): void => {
  const { name = '', nodeID = '', topologyKeys = [], allocatable } = driver
  sharedSources.driverName(faults, name, `${path}.name`)
  if (nodeID === '') faults.push(required(`${path}.nodeID`))
  if (nodeID.length > longestNodeId) faults.push(invalidValue(`${path}.nodeID`, nodeID, `must be ${longestNodeId} characters or less`))
  checkNonNegative(faults, allocatable?.count, `${path}.allocatable.count`)
  if (names.has(name)) faults.push(duplicate(`${path}.name`, name))
  names.add(name)
  const again = repeats(topologyKeys)
  topologyKeys.forEach((key, index) => {
    if (key === '') faults.push(required(path))
    if (again.has(index)) faults.push(duplicate(path, key))
    for (const message of isQualifiedName(key)) faults.push(invalidShown(path, goStrings(topologyKeys), message))
  })
}

const checkNode = (faults: Faults, node: CSINode): void => {
  const names = new Set<string>()
  node.spec?.drivers?.forEach((driver, index) => {
    checkNodeDriver(faults, driver, names, `spec.drivers[${index}]`)
  })
}

/** What a node's driver is never changes, but how many volumes it takes may where MutableCSINodeAllocatableCount is on. */
const goDriver = (driver: CSINodeDriver): string =>
  `storage.CSINodeDriver{Name:${quoted(driver.name ?? '')}, NodeID:${quoted(driver.nodeID ?? '')}, TopologyKeys:${goStringsOf(driver, 'topologyKeys')}, Allocatable:${goPointer('storage.VolumeNodeResources', driver.allocatable)}}`

const sameDriver = (next: CSINodeDriver, old: CSINodeDriver): boolean => {
  if (!isOn('MutableCSINodeAllocatableCount')) return same(next, old)
  const { allocatable: _, ...after } = next
  const { allocatable: __, ...before } = old
  return same(after, before)
}

export const csiNode = defineKind<CSINode>(resources.csiNode, {
  generation: false,
  requireResourceVersion: true,
  createChecksOnUpdate: 1,
  validate: (next) => collect((faults) => checkNode(faults, next)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkNode(faults, next)
      for (const before of old.spec?.drivers ?? []) {
        const after = next.spec?.drivers?.find((driver) => driver.name === before.name)
        if (after && !sameDriver(after, before)) faults.push(invalidShown('CSINodeDriver', goDriver(after), immutableText))
      }
    }),
})

const checkCapacity = (faults: Faults, { nodeTopology, storageClassName = '', capacity, maximumVolumeSize }: CSIStorageCapacity): void => {
  checkLabelSelector(faults, nodeTopology, 'nodeTopology')
  addInvalid(faults, nameIsDnsSubdomain(storageClassName, false), storageClassName, 'storageClassName')
  if (capacity !== undefined && quantitySign(capacity) < 0) faults.push(invalidValue('capacity', capacity, negativeText))
  if (maximumVolumeSize !== undefined && quantitySign(maximumVolumeSize) < 0)
    faults.push(invalidValue('maximumVolumeSize', maximumVolumeSize, negativeText))
}

export const csiStorageCapacity = defineKind<CSIStorageCapacity>(resources.csiStorageCapacity, {
  generation: false,
  requireResourceVersion: true,
  validate: (next) => collect((faults) => checkCapacity(faults, next)),
  warnings: ({ nodeTopology }) => nodeSelectorWarnings(nodeTopology, 'nodeTopology'),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkCapacity(faults, next)
      if (!same(next.nodeTopology, old.nodeTopology))
        faults.push(invalidShown('nodeTopology', goSelector(next.nodeTopology), immutableText))
      checkImmutable(faults, next.storageClassName, old.storageClassName, 'storageClassName')
    }),
})
