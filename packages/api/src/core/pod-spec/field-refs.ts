import { invalidValue, isQualifiedName, isZeroQuantity, notSupported, required } from '@skiff/machinery'
import { addInvalid, type Faults } from '../../checks/faults.ts'
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../generated/types.ts'

const envFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]
const volumeFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']
/** The labels that upstream's conversion knows at all. */
const knownFields = new Set([...envFields, ...volumeFields, 'spec.restartPolicy', 'spec.schedulerName', 'status.phase'])

/** A field of the pod, for a variable or a file. */
export const checkFieldRef = (faults: Faults, ref: ObjectFieldSelector, use: 'env' | 'volume', path: string): void => {
  if (!ref.apiVersion) {
    faults.push(required(`${path}.apiVersion`))
    return
  }
  const fieldPath = ref.fieldPath ?? ''
  if (fieldPath === '') {
    faults.push(required(`${path}.fieldPath`))
    return
  }
  const subscripted = /^(.*)\['(.*)'\]$/s.exec(fieldPath)
  if (ref.apiVersion !== 'v1') convertFault(faults, fieldPath, `unsupported pod version: ${ref.apiVersion}`, path)
  else if (subscripted) checkSubscript(faults, fieldPath, subscripted[1] as string, subscripted[2] as string, path)
  else if (!knownFields.has(fieldPath) && fieldPath !== 'spec.host')
    convertFault(faults, fieldPath, `field label not supported: ${fieldPath}`, path)
  else {
    const canonical = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath
    const allowed = use === 'env' ? envFields : volumeFields
    if (!allowed.includes(canonical)) faults.push(notSupported(`${path}.fieldPath`, canonical, allowed))
  }
}

const convertFault = (faults: Faults, fieldPath: string, why: string, path: string): void => {
  faults.push(invalidValue(`${path}.fieldPath`, fieldPath, `error converting fieldPath: ${why}`))
}

const checkSubscript = (faults: Faults, whole: string, field: string, key: string, path: string): void => {
  if (field === 'metadata.annotations') addInvalid(faults, isQualifiedName(key.toLowerCase()), key.toLowerCase(), path)
  else if (field === 'metadata.labels') addInvalid(faults, isQualifiedName(key), key, path)
  else convertFault(faults, whole, `field label does not support subscript: ${whole}`, path)
}

const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const sizes = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']
const isHugePagesField = (resource: string): boolean => /^(requests|limits)\.hugepages-/.test(resource)

/** An amount of a container's resources. A file must name the container; a variable speaks of its own. */
export const checkResourceFieldRef = (faults: Faults, ref: ResourceFieldSelector, use: 'env' | 'volume', path: string): void => {
  const resource = ref.resource ?? ''
  if (use === 'volume' && !ref.containerName) faults.push(required(`${path}.containerName`))
  else if (resource === '') faults.push(required(`${path}.resource`))
  else if (!resourceFields.includes(resource) && !isHugePagesField(resource))
    faults.push(notSupported(`${path}.resource`, resource, resourceFields))
  if (ref.divisor !== undefined && !isZeroQuantity(ref.divisor)) checkDivisor(faults, resource, ref.divisor, `${path}.divisor`)
}

const checkDivisor = (faults: Faults, resource: string, divisor: string, path: string): void => {
  if (resource.endsWith('.cpu')) {
    if (divisor !== '1m' && divisor !== '1')
      faults.push(invalidValue(path, resource, "only divisor's values 1m and 1 are supported with the cpu resource"))
    return
  }
  const what = resource.endsWith('.memory')
    ? 'memory'
    : resource.endsWith('.ephemeral-storage')
      ? 'local ephemeral storage'
      : isHugePagesField(resource)
        ? 'hugepages'
        : ''
  if (what !== '' && !sizes.includes(divisor))
    faults.push(invalidValue(path, resource, `only divisor's values ${sizes.join(', ')} are supported with the ${what} resource`))
}
