import { duplicate, forbiddenField, invalidValue, isQualifiedName, nameIsDnsSubdomain, repeats } from '@skiff/machinery'
import { addInvalid, checkImmutable, type Faults } from '../../checks/faults.ts'
import { checkIp, ipFamily, isDualStack } from '../../checks/ip.ts'
import type { ContainerStatus, Pod, PodSpec, PodStatus } from '../../generated/types.ts'
import { checkAnnotationUpdates, checkPodAnnotations } from './annotations.ts'
import { isRestartable } from './context.ts'

const ownConditions = ['PodScheduled', 'Ready', 'Initialized']

/** What the node agent and controllers may say of a pod. */
export const checkPodStatusUpdate = (faults: Faults, next: Pod, old: Pod): void => {
  const annotations = next.metadata.annotations ?? {}
  checkAnnotationUpdates(faults, annotations, old.metadata.annotations ?? {}, 'metadata.annotations')
  checkPodAnnotations(faults, annotations, next.spec, 'metadata.annotations')
  const status = next.status ?? {}
  const before = old.status ?? {}
  // Upstream's path is really metadata.conditions.
  status.conditions?.forEach(({ type = '' }, index) => {
    if (!ownConditions.includes(type)) addInvalid(faults, isQualifiedName(type), type, `metadata.conditions[${index}].Type`)
  })
  const nominated = status.nominatedNodeName
  if (nominated && nominated !== before.nominatedNodeName)
    addInvalid(faults, nameIsDnsSubdomain(nominated, false), nominated, 'status.nominatedNodeName')
  checkImmutable(faults, status.qosClass, before.qosClass, 'status.qosClass')
  checkTransitions(faults, status, before, old.spec)
  checkResourceClaimStatuses(faults, status, next.spec)
  checkPodIps(faults, status)
  checkHostIps(faults, status)
}

const checkTransitions = (faults: Faults, next: PodStatus, old: PodStatus, spec: PodSpec): void => {
  const policy = spec.restartPolicy ?? 'Always'
  const restartable = new Set(spec.initContainers?.filter(isRestartable).map((container) => container.name))
  const check = (field: 'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses', restartPolicy: string) => {
    if (restartPolicy === 'Always') return
    const skip = field === 'initContainerStatuses' ? restartable : new Set<string>()
    checkEnded(faults, next[field] ?? [], old[field] ?? [], restartPolicy, skip, `status.${field}`)
  }
  check('containerStatuses', policy)
  check('initContainerStatuses', policy)
  check('ephemeralContainerStatuses', 'Never')
}

/** What has ended for good does not run again. */
const checkEnded = (
  faults: Faults,
  next: readonly ContainerStatus[],
  old: readonly ContainerStatus[],
  restartPolicy: string,
  skip: ReadonlySet<string>,
  path: string,
): void => {
  old.forEach((before, index) => {
    const ended = before.state?.terminated
    if (!ended || skip.has(before.name) || (restartPolicy === 'OnFailure' && (ended.exitCode ?? 0) !== 0)) return
    if (next.some((after) => after.name === before.name && !after.state?.terminated))
      faults.push(forbiddenField(`${path}[${index}].state`, 'may not be transitioned to non-terminated state'))
  })
}

const checkResourceClaimStatuses = (faults: Faults, { resourceClaimStatuses }: PodStatus, spec: PodSpec): void => {
  const seen = new Set<string>()
  resourceClaimStatuses?.forEach(({ name = '' }, index) => {
    const path = `status.resourceClaimStatuses[${index}].name`
    if (!spec.resourceClaims?.some((claim) => claim.name === name))
      faults.push(invalidValue(path, name, 'must match the name of an entry in `spec.resourceClaims`'))
    if (seen.has(name)) faults.push(duplicate(path, name))
    seen.add(name)
  })
}

const checkPodIps = (faults: Faults, { podIPs = [] }: PodStatus): void => {
  checkIpList(
    faults,
    podIPs.map(({ ip = '' }) => ip),
    'core.PodIP',
    'status.podIPs',
  )
}

const checkHostIps = (faults: Faults, { hostIP = '', hostIPs = [] }: PodStatus): void => {
  const first = hostIPs[0]?.ip
  if (first === undefined) return
  if (first !== hostIP) faults.push(invalidValue('status.hostIPs[0].ip', first, 'must be equal to `hostIP`'))
  checkIpList(
    faults,
    hostIPs.map(({ ip = '' }) => ip),
    'core.HostIP',
    'status.hostIPs',
  )
}

const checkIpList = (faults: Faults, addresses: readonly string[], type: string, path: string): void => {
  addresses.forEach((address, index) => {
    checkIp(faults, address, `${path}[${index}]`)
  })
  if (addresses.length < 2) return
  const shown = addresses.map((address) => `${type}{IP:${JSON.stringify(address)}}`)
  if (addresses.length > 2 || !isDualStack(addresses.map(ipFamily)))
    faults.push({
      reason: 'FieldValueInvalid',
      field: path,
      body: `Invalid value: []${type}{${shown.join(', ')}}: may specify no more than one IP for each IP family`,
    })
  const again = repeats(addresses)
  addresses.forEach((address, index) => {
    if (again.has(index)) faults.push({ ...duplicate(`${path}[${index}]`, address), body: `Duplicate value: ${shown[index]}` })
  })
}
