import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '@skiff/api'
import { isZeroQuantity, milliValue, quantityValue, quoted } from '@skiff/machinery'

/** What a pod's own fields are read from, besides the object. */
export interface FieldContext {
  readonly pod: Pod
  readonly podIps: readonly string[]
  readonly hostIps: readonly string[]
  /** The node's allocatable resources: what a container without a limit may use. */
  readonly allocatable: Readonly<Record<string, string>>
}

/** The value of a fieldRef; throws an Error for a path that has none. */
export const fieldValue = ({ fieldPath }: ObjectFieldSelector, { pod, podIps, hostIps }: FieldContext): string => {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath)
  if (keyed) return own(pod.metadata[keyed[1] as 'labels' | 'annotations'], keyed[2] as string) ?? ''
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name
    case 'metadata.namespace':
      return pod.metadata.namespace ?? ''
    case 'metadata.uid':
      return pod.metadata.uid
    case 'metadata.labels':
      return mapText(pod.metadata.labels)
    case 'metadata.annotations':
      return mapText(pod.metadata.annotations)
    case 'spec.nodeName':
      return pod.spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return hostIps[0] ?? ''
    case 'status.hostIPs':
      return hostIps.join(',')
    case 'status.podIP':
      return podIps[0] ?? ''
    case 'status.podIPs':
      return podIps.join(',')
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`)
  }
}

const own = (map: Readonly<Record<string, string>> | undefined, key: string): string | undefined =>
  map && Object.hasOwn(map, key) ? map[key] : undefined

/** `key="value"` a line, keys in order. */
const mapText = (map: Readonly<Record<string, string>> | undefined): string =>
  Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${quoted(map?.[key] ?? '')}`)
    .join('\n')

/** The value of a resourceFieldRef, rounded up to whole divisors. */
export const resourceValue = (ref: ResourceFieldSelector, container: Container | undefined, context: FieldContext): string => {
  const target = ref.containerName ? containerNamed(context.pod, ref.containerName) : container
  const [kind, ...rest] = ref.resource.split('.')
  const name = rest.join('.')
  const list = kind === 'limits' ? target?.resources?.limits : target?.resources?.requests
  if ((kind !== 'limits' && kind !== 'requests') || name === '') throw new Error(`unsupported container resource : ${ref.resource}`)
  const amount = list?.[name] ?? (kind === 'limits' ? context.allocatable[name] : undefined) ?? '0'
  const divisor = ref.divisor === undefined || isZeroQuantity(ref.divisor) ? '1' : ref.divisor
  if (name === 'cpu') return String(Math.ceil(milliValue(amount) / milliValue(divisor)))
  return String(Math.ceil(quantityValue(amount) / quantityValue(divisor)))
}

const containerNamed = (pod: Pod, name: string): Container => {
  const found = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((container) => container.name === name)
  if (!found) throw new Error(`container ${name} not found`)
  return found
}
