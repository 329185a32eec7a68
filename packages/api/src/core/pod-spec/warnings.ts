import { isDns1123Label, quoted } from '@skiff/machinery'
import { keysOf } from '../../checks/faults.ts'
import { nodeLabelWarning, termWarnings } from '../../checks/node-label-warnings.ts'
import type { ContainerPort, ObjectMeta, Pod, PodAffinity, PodSpec, PodTemplateSpec } from '../../generated/types.ts'
import { type AnyContainer, visitContainers } from './context.ts'
import { isFractional, warnOfVolumes } from './volume-warnings.ts'

type Annotations = Readonly<Record<string, string>>

const oldAnnotations = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
] as const
const seccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead'
const appArmor = 'deprecated since v1.30; use the "appArmorProfile" field instead'

/** Of a name that becomes part of host names. `what` is what it is used for. */
export const nameWarnings = (name: string | undefined, what: string): readonly string[] => {
  const faults = isDns1123Label(name ?? '')
  return faults.length === 0
    ? []
    : [`metadata.name: this is used in ${what}, which can result in surprising behavior; a DNS label is recommended: [${faults.join(' ')}]`]
}

/** Of the name of what makes pods. */
export const ownerNameWarnings = (name: string | undefined): readonly string[] => nameWarnings(name, 'Pod names and hostnames')

export const podWarnings = ({ metadata, spec }: Pod): readonly string[] => [
  ...nameWarnings(metadata.name, "the Pod's hostname"),
  ...specWarnings(spec, metadata, ''),
]

/** Of the template at `path`. */
export const templateWarnings = (template: PodTemplateSpec | undefined, path: string): readonly string[] =>
  template?.spec ? specWarnings(template.spec, template.metadata ?? {}, `${path}.`) : []

/** What upstream says of a pod that is valid and may yet surprise, in its order. */
const specWarnings = (spec: PodSpec, { annotations }: Partial<ObjectMeta>, prefix: string): readonly string[] => {
  const warnings: string[] = []
  const path = `${prefix}spec`
  warnOfPlacement(warnings, spec, path)
  if (annotations)
    for (const [key, text] of oldAnnotations)
      if (Object.hasOwn(annotations, key)) warnings.push(`${prefix}metadata.annotations[${key}]: ${text}`)
  if (spec.volumes) warnOfVolumes(warnings, spec.volumes, `${path}.volumes`)
  warnOfRepeats(warnings, spec, path)
  warnOfBytes(warnings, spec.overhead, path, 'overhead')
  if (annotations) warnOfPodSeccomp(warnings, spec, annotations, prefix)
  visitContainers(spec, path, (container, at) => {
    if (annotations) warnOfProfiles(warnings, spec, container, annotations, prefix)
    if (container.resources) {
      for (const name of ['memory', 'ephemeral-storage'])
        for (const list of ['limits', 'requests'] as const)
          warnOfAmount(warnings, container.resources[list]?.[name], `${at}.resources.${list}[${name}]`)
    }
    warnOfHiddenVariables(warnings, container, at)
  })
  warnOfPorts(warnings, spec, path)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0)
    warnings.push(`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`)
  for (const field of ['podAffinity', 'podAntiAffinity'] as const)
    if (spec.affinity?.[field]) warnOfAffinity(warnings, spec.affinity[field] as PodAffinity, `${path}.affinity.${field}`)
  return warnings
}

const required = 'requiredDuringSchedulingIgnoredDuringExecution'
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution'
const noSelector = 'a null labelSelector results in matching no pod'

const warnOfPlacement = (warnings: string[], { nodeSelector, affinity, topologySpreadConstraints }: PodSpec, path: string): void => {
  if (nodeSelector)
    for (const key of keysOf(nodeSelector)) {
      const text = nodeLabelWarning(key)
      if (text !== undefined) warnings.push(`${path}.nodeSelector[${key}]: ${text}`)
    }
  const nodes = affinity?.nodeAffinity
  const at = `${path}.affinity.nodeAffinity`
  nodes?.[required]?.nodeSelectorTerms?.forEach((term, index) => {
    warnings.push(...termWarnings(term, `${at}.${required}.nodeSelectorTerms[${index}]`))
  })
  nodes?.[preferred]?.forEach(({ preference }, index) => {
    warnings.push(...termWarnings(preference ?? {}, `${at}.${preferred}[${index}].preference`))
  })
  topologySpreadConstraints?.forEach(({ topologyKey, labelSelector }, index) => {
    const text = nodeLabelWarning(topologyKey)
    if (text !== undefined) warnings.push(`${path}.topologySpreadConstraints[${index}].topologyKey: ${topologyKey} is ${text}`)
    if (labelSelector === undefined) warnings.push(`${path}.topologySpreadConstraints[${index}].labelSelector: ${noSelector}`)
  })
}

const warnOfAffinity = (warnings: string[], affinity: PodAffinity, path: string): void => {
  affinity[required]?.forEach(({ labelSelector }, index) => {
    if (labelSelector === undefined) warnings.push(`${path}.${required}[${index}].labelSelector: ${noSelector}`)
  })
  affinity[preferred]?.forEach(({ podAffinityTerm }, index) => {
    if (podAffinityTerm?.labelSelector === undefined)
      warnings.push(`${path}.${preferred}[${index}].podAffinityTerm.labelSelector: ${noSelector}`)
  })
}

const warnOfRepeats = (warnings: string[], { hostAliases = [], imagePullSecrets = [] }: PodSpec, path: string): void => {
  const addresses = new Set<string>()
  hostAliases.forEach(({ ip = '' }, index) => {
    if (addresses.has(ip)) warnings.push(`${path}.hostAliases[${index}].ip: duplicate ip ${quoted(ip)}`)
    addresses.add(ip)
  })
  const names = new Set<string>()
  imagePullSecrets.forEach(({ name = '' }, index) => {
    if (names.has(name)) warnings.push(`${path}.imagePullSecrets[${index}].name: duplicate name ${quoted(name)}`)
    names.add(name)
  })
  imagePullSecrets.forEach(({ name = '' }, index) => {
    if (name === '') warnings.push(`${path}.imagePullSecrets[${index}].name: invalid empty name ""`)
  })
}

const warnOfBytes = (warnings: string[], list: Readonly<Record<string, string>> | undefined, path: string, field: string): void => {
  if (list) for (const name of ['memory', 'ephemeral-storage']) warnOfAmount(warnings, list[name], `${path}.${field}[${name}]`)
}

const warnOfAmount = (warnings: string[], amount: string | undefined, path: string): void => {
  if (isFractional(amount)) warnings.push(`${path}: fractional byte value ${quoted(amount)} is invalid, must be an integer`)
}

const warnOfPodSeccomp = (warnings: string[], spec: PodSpec, annotations: Annotations, prefix: string): void => {
  const key = 'seccomp.security.alpha.kubernetes.io/pod'
  if (!spec.securityContext?.seccompProfile && Object.hasOwn(annotations, key))
    warnings.push(`${prefix}metadata.annotations[${key}]: ${seccomp}`)
}

const warnOfProfiles = (warnings: string[], spec: PodSpec, container: AnyContainer, annotations: Annotations, prefix: string): void => {
  const warn = (key: string, text: string, has: boolean) => {
    if (!has && Object.hasOwn(annotations, key)) warnings.push(`${prefix}metadata.annotations[${key}]: ${text}`)
  }
  const { securityContext } = container
  warn(`container.seccomp.security.alpha.kubernetes.io/${container.name}`, seccomp, securityContext?.seccompProfile !== undefined)
  // On a pod each of annotation and field has been made from the other by now.
  const profile = securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile
  warn(`container.apparmor.security.beta.kubernetes.io/${container.name}`, appArmor, profile !== undefined || prefix === '')
}

/** A variable that is set again without making use of what it was. */
const warnOfHiddenVariables = (warnings: string[], { env }: AnyContainer, path: string): void => {
  if (env === undefined || env.length < 2) return
  const met = new Set<string>()
  env.forEach(({ name, value = '', valueFrom }, index) => {
    const reference = `$(${name})`
    if (met.has(name) && (valueFrom || value === reference || !value.includes(reference)))
      warnings.push(`${path}.env[${index}]: hides previous definition of ${quoted(name)}, which may be dropped when using apply`)
    met.add(name)
  })
}

/** Ports of all containers share the pod's one address. */
const warnOfPorts = (warnings: string[], spec: PodSpec, path: string): void => {
  const met = new Map<string, { readonly at: string; readonly port: ContainerPort }[]>()
  visitContainers(spec, path, ({ ports }, within) => {
    ports?.forEach((port, index) => {
      const at = `${within}.ports[${index}]`
      if (port.hostIP && !port.hostPort) warnings.push(`${at}: hostIP set without hostPort: ${shownPort(port)}`)
      const key = `${port.containerPort}/${port.protocol}`
      const others = met.get(key) ?? []
      for (const other of others) {
        const clash = clashOf(port, other.port)
        if (clash) warnings.push(`${at}: ${clash} port definition with ${other.at}`)
      }
      met.set(key, [...others, { at, port }])
    })
  })
}

const clashOf = (a: ContainerPort, b: ContainerPort): string | undefined => {
  const [ip, otherIp, hostPort, otherPort] = [a.hostIP ?? '', b.hostIP ?? '', a.hostPort ?? 0, b.hostPort ?? 0]
  if (ip === otherIp && hostPort === otherPort) return 'duplicate'
  if (hostPort === 0 || otherPort === 0) return 'overlapping'
  return hostPort === otherPort && (ip === '') !== (otherIp === '') ? 'dangerously ambiguous' : undefined
}

/** As Go prints the struct. */
const shownPort = ({ name = '', hostPort = 0, containerPort, protocol, hostIP = '' }: ContainerPort): string =>
  `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol ?? ''} HostIP:${hostIP}}`
