import { duplicate, forbiddenField, invalidValue, isDns1123Label, notFoundField, notSupported, required } from '@skiff/machinery'
import { addInvalid, checkOneOf, type Faults } from '../../checks/faults.ts'
import { checkRequirements } from '../../checks/requirements.ts'
import type { Container, ContainerResizePolicy, EphemeralContainer } from '../../generated/types.ts'
import { checkContainerPorts, checkHostPorts } from './container-ports.ts'
import { type AnyContainer, isRestartable, type PodContext } from './context.ts'
import { checkEnv, checkEnvFrom } from './env.ts'
import { checkDevices, checkMounts } from './mounts.ts'
import { checkProbesAndHooks } from './probes.ts'
import { checkPullPolicy } from './pull-policy.ts'
import { checkSecurityContext } from './security.ts'

/** What holds for containers of every sort. */
const checkCommon = (faults: Faults, container: AnyContainer, context: PodContext, path: string): void => {
  if (!container.name) faults.push(required(`${path}.name`))
  else addInvalid(faults, isDns1123Label(container.name), container.name, `${path}.name`)
  if (!container.image) faults.push(required(`${path}.image`))
  checkOneOf(faults, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError'], `${path}.terminationMessagePolicy`)
  if (container.ports) checkContainerPorts(faults, container.ports, `${path}.ports`)
  if (container.env) checkEnv(faults, container.env, `${path}.env`)
  if (container.envFrom) checkEnvFrom(faults, container.envFrom, `${path}.envFrom`)
  if (container.volumeMounts) checkMounts(faults, container, context, `${path}.volumeMounts`)
  if (container.volumeDevices) checkDevices(faults, container, context, `${path}.volumeDevices`)
  checkPullPolicy(faults, container.imagePullPolicy, `${path}.imagePullPolicy`)
  if (container.resources) checkRequirements(faults, container.resources, context.claimNames, `${path}.resources`)
  if (container.resizePolicy) checkResizePolicy(faults, container.resizePolicy, context, `${path}.resizePolicy`)
  if (container.securityContext) checkSecurityContext(faults, container.securityContext, context.hostUsers, `${path}.securityContext`)
}

const checkResizePolicy = (faults: Faults, policies: readonly ContainerResizePolicy[], context: PodContext, path: string): void => {
  const seen = new Set<string>()
  policies.forEach(({ resourceName = '', restartPolicy = '' }, index) => {
    if (seen.has(resourceName)) faults.push(duplicate(`${path}[${index}]`, resourceName))
    seen.add(resourceName)
    checkOneOf(faults, resourceName, ['cpu', 'memory'], path)
    checkOneOf(faults, restartPolicy, ['NotRequired', 'RestartContainer'], path)
    if (context.spec.restartPolicy === 'Never' && restartPolicy !== 'NotRequired')
      faults.push(invalidValue(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"))
  })
}

export const checkContainers = (faults: Faults, context: PodContext, path: string): void => {
  const containers = context.spec.containers ?? []
  if (containers.length === 0) {
    faults.push(required(path))
    return
  }
  const names = new Set<string>()
  containers.forEach((container, index) => {
    const at = `${path}[${index}]`
    checkCommon(faults, container, context, at)
    if (names.has(container.name ?? '')) faults.push(duplicate(`${at}.name`, container.name ?? ''))
    names.add(container.name ?? '')
    checkProbesAndHooks(faults, container, context.spec.terminationGracePeriodSeconds, at)
    if (container.restartPolicy !== undefined) faults.push(forbiddenField(`${at}.restartPolicy`, 'may not be set for non-init containers'))
  })
  checkHostPorts(faults, containers, path)
}

const hookFields = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const

export const checkInitContainers = (faults: Faults, context: PodContext, path: string): void => {
  const names = new Set((context.spec.containers ?? []).map((container) => container.name ?? ''))
  context.spec.initContainers?.forEach((container, index) => {
    const at = `${path}[${index}]`
    checkCommon(faults, container, context, at)
    if (container.restartPolicy !== undefined && !isRestartable(container))
      faults.push(notSupported(`${at}.restartPolicy`, container.restartPolicy, ['Always']))
    const name = container.name ?? ''
    if (names.has(name)) faults.push(duplicate(`${at}.name`, name))
    else if (name !== '') names.add(name)
    // Init containers run one by one, so ports meet within one only; upstream counts from 0 in these paths.
    checkHostPorts(faults, [container], path)
    if (isRestartable(container)) checkProbesAndHooks(faults, container, context.spec.terminationGracePeriodSeconds, at)
    else
      for (const field of hookFields)
        if (container[field] !== undefined)
          faults.push(forbiddenField(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'))
  })
}

const notForEphemeral = [
  'ports',
  'resources',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resizePolicy',
  'restartPolicy',
] as const

export const checkEphemeralContainers = (faults: Faults, context: PodContext, path: string): void => {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = context.spec
  if (ephemeralContainers.length === 0) return
  const others = new Set([...containers, ...initContainers].map((container) => container.name ?? ''))
  const names = new Set(others)
  ephemeralContainers.forEach((container, index) => {
    const at = `${path}[${index}]`
    checkCommon(faults, container, context, at)
    checkImageSpace(faults, container, at)
    if (names.has(container.name ?? '')) faults.push(duplicate(`${at}.name`, container.name ?? ''))
    names.add(container.name ?? '')
    if (container.targetContainerName && !others.has(container.targetContainerName))
      faults.push(notFoundField(`${at}.targetContainerName`, container.targetContainerName))
    checkAllowedFields(faults, container, at)
  })
}

const isSet = (value: unknown): boolean => value !== undefined && !(typeof value === 'object' && Object.keys(value as object).length === 0)
const checkAllowedFields = (faults: Faults, container: EphemeralContainer, path: string): void => {
  for (const field of notForEphemeral)
    if (isSet(container[field])) faults.push(forbiddenField(`${path}.${field}`, 'cannot be set for an Ephemeral Container'))
  container.volumeMounts?.forEach((mount, index) => {
    for (const field of ['subPath', 'subPathExpr'] as const)
      if (mount[field]) faults.push(forbiddenField(`${path}.volumeMounts[${index}].${field}`, 'cannot be set for an Ephemeral Container'))
  })
}

/** For pods alone: templates have been let off since the beginning. */
export const checkImageSpace = (faults: Faults, { image = '' }: Pick<Container, 'image'>, path: string): void => {
  if (image.trim().length !== image.length)
    faults.push(invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace'))
}
