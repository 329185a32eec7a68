import {
  addFaults,
  duplicate,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isQualifiedName,
  nameIsDnsSubdomain,
  notSupported,
  rangeText,
  required,
  validateAnnotations,
  validateLabels,
} from '@skiff/machinery'
import { addInvalid, checkOneOf, type Faults } from '../../checks/faults.ts'
import { checkLabels } from '../../checks/label-selector.ts'
import { checkLimits } from '../../checks/requirements.ts'
import { checkTolerations } from '../../checks/taints.ts'
import type { ObjectMeta, PodResourceClaim, PodSpec, PodTemplateSpec } from '../../generated/types.ts'
import { checkAffinity } from './affinity.ts'
import { checkPodAnnotations, checkProfilesAgree } from './annotations.ts'
import { checkContainers, checkEphemeralContainers, checkInitContainers } from './containers.ts'
import type { PodContext } from './context.ts'
import { checkDnsConfig, checkHostAliases } from './dns.ts'
import { checkHostUsers, checkPodSecurityContext } from './security.ts'
import { checkSpreadConstraints } from './spread.ts'
import { checkVolumes } from './volumes.ts'
import { checkHostProcess, checkOs } from './windows.ts'

const longestDeadlineSeconds = 2 ** 31 - 1
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']

/** A pod's spec, in a pod or, with `isPod` false, in a template. */
export const checkPodSpec = (
  faults: Faults,
  spec: PodSpec,
  pod: { readonly isPod: boolean; readonly podName: string },
  path: string,
): void => {
  if (spec.terminationGracePeriodSeconds === undefined) faults.push(required(`${path}.terminationGracePeriodSeconds`))
  const volumes = checkVolumes(faults, spec.volumes ?? [], pod, `${path}.volumes`)
  const claims = spec.resourceClaims ?? []
  const claimNames = new Set(claims.map((claim) => claim.name ?? '').filter((name) => name !== ''))
  const context: PodContext = { ...pod, spec, volumes, claimNames, hostUsers: spec.hostUsers !== false }
  if (claims.length > 0) checkResourceClaims(faults, claims, `${path}.resourceClaims`)
  checkContainers(faults, context, `${path}.containers`)
  if (spec.initContainers) checkInitContainers(faults, context, `${path}.initContainers`)
  if (spec.ephemeralContainers) checkEphemeralContainers(faults, context, `${path}.ephemeralContainers`)
  if (spec.hostNetwork) checkHostNetworkPorts(faults, spec, pod.isPod, path)
  checkOneOf(faults, spec.restartPolicy, ['Always', 'OnFailure', 'Never'], `${path}.restartPolicy`)
  checkOneOf(faults, spec.dnsPolicy, dnsPolicies, `${path}.dnsPolicy`)
  checkLabels(faults, spec.nodeSelector, `${path}.nodeSelector`)
  checkPodSecurityContext(faults, spec, path)
  checkPlacement(faults, spec, path)
  checkHostProcess(faults, spec, path)
  checkHostUsers(faults, spec, path)
  checkNames(faults, spec, path)
  checkRest(faults, spec, path)
}

const checkPlacement = (faults: Faults, spec: PodSpec, path: string): void => {
  if (spec.affinity) checkAffinity(faults, spec.affinity, `${path}.affinity`)
  checkDnsConfig(faults, spec, `${path}.dnsConfig`)
  spec.readinessGates?.forEach(({ conditionType = '' }, index) => {
    addInvalid(faults, isQualifiedName(conditionType), conditionType, `${path}.readinessGates[${index}].conditionType`)
  })
  if (spec.schedulingGates) checkSchedulingGates(faults, spec.schedulingGates, `${path}.schedulingGates`)
  if (spec.topologySpreadConstraints) checkSpreadConstraints(faults, spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`)
}

const checkNames = (faults: Faults, spec: PodSpec, path: string): void => {
  const subdomain = (field: 'serviceAccountName' | 'nodeName') => {
    const name = spec[field]
    if (name) addInvalid(faults, nameIsDnsSubdomain(name, false), name, `${path}.${field}`)
  }
  subdomain('serviceAccountName')
  subdomain('nodeName')
  const deadline = spec.activeDeadlineSeconds
  if (deadline !== undefined && (deadline < 1 || deadline > longestDeadlineSeconds))
    faults.push(invalidValue(`${path}.activeDeadlineSeconds`, deadline, rangeText(1, longestDeadlineSeconds)))
  if (spec.hostname) addInvalid(faults, isDns1123Label(spec.hostname), spec.hostname, `${path}.hostname`)
  if (spec.subdomain) addInvalid(faults, isDns1123Label(spec.subdomain), spec.subdomain, `${path}.subdomain`)
}

const checkRest = (faults: Faults, spec: PodSpec, path: string): void => {
  if (spec.tolerations) checkTolerations(faults, spec.tolerations, `${path}.tolerations`)
  if (spec.hostAliases) checkHostAliases(faults, spec.hostAliases, `${path}.hostAliases`)
  const { priorityClassName, runtimeClassName, preemptionPolicy } = spec
  if (priorityClassName) addInvalid(faults, nameIsDnsSubdomain(priorityClassName, false), priorityClassName, `${path}.priorityClassName`)
  if (runtimeClassName !== undefined)
    addInvalid(faults, nameIsDnsSubdomain(runtimeClassName, false), runtimeClassName, `${path}.runtimeClassName`)
  if (preemptionPolicy !== undefined) checkOneOf(faults, preemptionPolicy, ['PreemptLowerPriority', 'Never'], `${path}.preemptionPolicy`)
  if (spec.overhead) checkLimits(faults, spec.overhead, `${path}.overhead`)
  checkOs(faults, spec, path)
}

const checkSchedulingGates = (faults: Faults, gates: NonNullable<PodSpec['schedulingGates']>, path: string): void => {
  const seen = new Set<string>()
  gates.forEach(({ name = '' }, index) => {
    addInvalid(faults, isQualifiedName(name), name, `${path}[${index}]`)
    if (seen.has(name)) faults.push(duplicate(`${path}[${index}]`, name))
    seen.add(name)
  })
}

/** In templates an absent port is filled in once there is a pod. */
const checkHostNetworkPorts = (faults: Faults, spec: PodSpec, isPod: boolean, path: string): void => {
  spec.containers?.forEach((container, at) => {
    container.ports?.forEach(({ hostPort = 0, containerPort = 0 }, index) => {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort)
        faults.push(
          invalidValue(
            `${path}.containers[${at}].ports[${index}].hostPort`,
            hostPort,
            'must match `containerPort` when `hostNetwork` is true',
          ),
        )
    })
  })
}

const checkResourceClaims = (faults: Faults, claims: readonly PodResourceClaim[], path: string): void => {
  const seen = new Set<string>()
  claims.forEach((claim, index) => {
    const at = `${path}[${index}]`
    const { name = '', resourceClaimName, resourceClaimTemplateName } = claim
    if (name === '') faults.push(required(`${at}.name`))
    else if (seen.has(name)) faults.push(duplicate(`${at}.name`, name))
    else addInvalid(faults, isDns1123Label(name), name, `${at}.name`)
    seen.add(name)
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined)
      faults.push(invalidValue(at, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'))
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined)
      faults.push(invalidValue(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'))
    for (const field of ['resourceClaimName', 'resourceClaimTemplateName'] as const) {
      const value = claim[field]
      if (value !== undefined) addInvalid(faults, nameIsDnsSubdomain(value, false), value, `${at}.${field}`)
    }
  })
}

/** What the template of a workload must be. */
export const checkPodTemplate = (faults: Faults, template: PodTemplateSpec | undefined, path: string): void => {
  const { labels, annotations }: Partial<ObjectMeta> = template?.metadata ?? {}
  const spec = template?.spec ?? { containers: [] }
  // Upstream leaves `metadata` out of these two paths.
  if (labels) addFaults(faults, validateLabels(labels, `${path}.labels`))
  if (annotations) addFaults(faults, validateAnnotations(annotations, `${path}.annotations`))
  if (annotations) checkPodAnnotations(faults, annotations, spec, `${path}.annotations`)
  checkPodSpec(faults, spec, { isPod: false, podName: '' }, `${path}.spec`)
  if (annotations) checkProfilesAgree(faults, annotations, spec, `${path}.spec`)
  if (spec.ephemeralContainers?.length)
    faults.push(forbiddenField(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
}

/** Templates of what must always run: no other restart policy, no deadline. `owner` is the word of the text. */
export const checkRunsForever = (faults: Faults, template: PodTemplateSpec | undefined, owner: string, path: string): void => {
  const policy = template?.spec?.restartPolicy
  if (policy !== 'Always') faults.push(notSupported(`${path}.spec.restartPolicy`, policy ?? '', ['Always']))
  if (template?.spec?.activeDeadlineSeconds !== undefined)
    faults.push(forbiddenField(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${owner} is not Supported`))
}
