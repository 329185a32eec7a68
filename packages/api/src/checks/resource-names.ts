import { invalidValue, isQualifiedName } from '@skiff/machinery'
import { addInvalid, type Faults } from './faults.ts'

const hugePages = 'hugepages-'
const requestPrefix = 'requests.'

const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage'])
const quotaResources = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
])
const standardResources = new Set([...quotaResources, 'storage'])
const countedResources = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
])

export const isHugePages = (name: string): boolean => name.startsWith(hugePages)
const isQuotaHugePages = (name: string): boolean => isHugePages(name) || name.startsWith(`${requestPrefix}${hugePages}`)

export const isStandardResource = (name: string): boolean => standardResources.has(name) || isQuotaHugePages(name)
export const isStandardQuotaResource = (name: string): boolean => quotaResources.has(name) || isQuotaHugePages(name)
const isStandardContainerResource = (name: string): boolean => containerResources.has(name) || isHugePages(name)

/** Unprefixed, or of the kubernetes.io domain. */
export const isNativeResource = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/')

/** Of another domain: a device, for one. */
export const isExtendedResource = (name: string): boolean =>
  !isNativeResource(name) && !name.startsWith(requestPrefix) && isQualifiedName(`${requestPrefix}${name}`).length === 0

/** What is counted in whole numbers. */
export const isIntegerResource = (name: string): boolean => countedResources.has(name) || isExtendedResource(name)

/** Whether a request may lie below its limit. */
export const allowsOvercommit = (name: string): boolean => isNativeResource(name) && !isHugePages(name)

/** True when the name is one that a resource may have at all. */
export const checkResourceName = (faults: Faults, name: string, path: string): boolean => {
  const messages = isQualifiedName(name)
  addInvalid(faults, messages, name, path)
  if (messages.length > 0) return false
  if (name.includes('/') || isStandardResource(name)) return true
  faults.push(invalidValue(path, name, 'must be a standard resource type or fully qualified'))
  return false
}

export const checkContainerResourceName = (faults: Faults, name: string, path: string): void => {
  checkResourceName(faults, name, path)
  if (!name.includes('/')) {
    if (!isStandardContainerResource(name)) faults.push(invalidValue(path, name, 'must be a standard resource for containers'))
  } else if (!isNativeResource(name) && !isExtendedResource(name))
    faults.push(invalidValue(path, name, "doesn't follow extended resource name standard"))
}

export const checkQuotaResourceName = (faults: Faults, name: string, path: string): void => {
  checkResourceName(faults, name, path)
  if (!name.includes('/') && !isStandardQuotaResource(name)) faults.push(invalidValue(path, name, 'must be a standard resource for quota'))
}
