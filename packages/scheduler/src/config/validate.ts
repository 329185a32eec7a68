import { isDeepStrictEqual } from 'node:util'
import { duplicate, type FieldError, invalidValue, isQualifiedName, parseDuration, required } from '@skiff/machinery'
import { extensionPoints } from '../cycle/framework.ts'
import type { ExtenderConfig, PluginSet } from './configuration.ts'
import type { DefaultedConfiguration, DefaultedProfile, SchedulerGates } from './defaults.ts'
import { argChecks } from './validate-args.ts'

/** What is wrong with a defaulted configuration, in upstream's words and order. */
export const validateConfiguration = (config: DefaultedConfiguration, gates: SchedulerGates = {}): readonly FieldError[] => {
  const faults: FieldError[] = []
  const burst = config.clientConnection?.burst ?? 0
  if (burst < 0) faults.push(invalidValue('clientConnection.burst', burst, 'must be non-negative'))
  checkElection(faults, config)
  if (config.parallelism <= 0) faults.push(invalidValue('parallelism', config.parallelism, 'should be an integer value greater than zero'))
  const firstOf = new Map<string, number>()
  for (const [index, profile] of config.profiles.entries()) {
    const path = `profiles[${index}]`
    checkProfile(faults, path, profile, gates)
    const first = firstOf.get(profile.schedulerName)
    // Upstream shows the path of the other one as the value.
    if (first !== undefined) faults.push(shownAs('Duplicate value', `${path}.schedulerName`, `profiles[${first}].schedulerName`))
    firstOf.set(profile.schedulerName, index)
  }
  checkQueueSort(faults, config.profiles)
  checkPercentage(faults, 'percentageOfNodesToScore', config.percentageOfNodesToScore)
  checkBackoff(faults, config)
  checkExtenders(faults, config.extenders ?? [])
  return faults
}

const shownAs = (what: string, field: string, shown: string, detail = ''): FieldError => ({
  reason: what === 'Duplicate value' ? 'FieldValueDuplicate' : 'FieldValueInvalid',
  field,
  body: `${what}: ${shown}${detail ? `: ${detail}` : ''}`,
})

const checkElection = (faults: FieldError[], { leaderElection: election }: DefaultedConfiguration): void => {
  const { leaderElect, leaseDuration, renewDeadline, retryPeriod, resourceLock } = election
  if (!leaderElect) return
  const path = 'leaderElection'
  const nanos = (text: string): bigint => parseDuration(text)
  for (const [name, text] of Object.entries({ leaseDuration, renewDeadline, retryPeriod }))
    if (nanos(text) <= 0n) faults.push(shownAs('Invalid value', `${path}.${name}`, text, 'must be greater than zero'))
  if (nanos(leaseDuration) <= nanos(renewDeadline))
    faults.push(shownAs('Invalid value', `${path}.leaseDuration`, renewDeadline, 'LeaseDuration must be greater than RenewDeadline'))
  if (nanos(renewDeadline) <= nanos(retryPeriod))
    faults.push(shownAs('Invalid value', `${path}.renewDeadline`, retryPeriod, 'RenewDeadline must be greater than RetryPeriod'))
  if (resourceLock !== 'leases') faults.push(invalidValue(`${path}.resourceLock`, resourceLock, 'resourceLock value must be "leases"'))
}

const checkPercentage = (faults: FieldError[], path: string, value: number | undefined): void => {
  if (value !== undefined && (value < 0 || value > 100)) faults.push(invalidValue(path, value, 'not in valid range [0-100]'))
}

const checkBackoff = (faults: FieldError[], config: DefaultedConfiguration): void => {
  const { podInitialBackoffSeconds: initial, podMaxBackoffSeconds: max } = config
  if (initial <= 0) faults.push(invalidValue('podInitialBackoffSeconds', initial, 'must be greater than 0'))
  if (max < initial) faults.push(invalidValue('podMaxBackoffSeconds', max, 'must be greater than or equal to PodInitialBackoffSeconds'))
}

/** Plugins that upstream removed. It names the version of the core API here, which is not the configuration's. */
const removed = new Set(['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits'])
const removedText = 'was invalid in version "v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")'

const checkProfile = (faults: FieldError[], path: string, profile: DefaultedProfile, gates: SchedulerGates): void => {
  if (profile.schedulerName === '') faults.push(required(`${path}.schedulerName`))
  checkPercentage(faults, `${path}.percentageOfNodesToScore`, profile.percentageOfNodesToScore)
  for (const point of extensionPoints)
    for (const [index, { name }] of (profile.plugins[point]?.enabled ?? []).entries())
      if (removed.has(name)) faults.push(invalidValue(`${path}.plugins.${point}.enabled[${index}]`, name, removedText))
  const seen = new Set<string>()
  for (const [index, { name, args }] of profile.pluginConfig.entries()) {
    const at = `${path}.pluginConfig[${index}]`
    if (seen.has(name)) faults.push(duplicate(at, name))
    seen.add(name)
    if (removed.has(name)) faults.push(invalidValue(at, name, removedText))
    // Upstream checks these only when it makes the plugin, whose errors have no path before them.
    else if (name !== 'NodeResourcesFit' && Object.hasOwn(argChecks, name)) argChecks[name]?.(faults, `${at}.args`, args, gates)
  }
}

/** One queue serves all profiles. */
const checkQueueSort = (faults: FieldError[], profiles: readonly DefaultedProfile[]): void => {
  const sortOf = (profile: DefaultedProfile | undefined): PluginSet => profile?.plugins.queueSort ?? {}
  const canon = sortOf(profiles[0])
  const count = canon.enabled?.length ?? 0
  if (count > 1) faults.push(invalidValue('profiles[0].plugins.queueSort.Enabled', count, 'only one queue sort plugin can be enabled'))
  const name = canon.enabled?.[0]?.name
  const argsOf = (profile: DefaultedProfile | undefined) => profile?.pluginConfig.find((each) => each.name === name)?.args
  for (const [index, profile] of profiles.entries()) {
    if (index === 0) continue
    if (!isDeepStrictEqual(canon, sortOf(profile)))
      faults.push(invalidValue(`profiles[${index}].plugins.queueSort`, sortOf(profile), 'must be the same for all profiles'))
    if (name !== undefined && !isDeepStrictEqual(argsOf(profiles[0]), argsOf(profile)))
      faults.push(invalidValue(`profiles[${index}].pluginConfig.args`, argsOf(profile), 'queueSort must be the same for all profiles'))
  }
}

const checkExtenders = (faults: FieldError[], extenders: readonly ExtenderConfig[]): void => {
  const managed = new Set<string>()
  for (const [index, extender] of extenders.entries()) {
    const path = `extenders[${index}]`
    const { weight = 0 } = extender
    if (extender.prioritizeVerb && weight <= 0)
      faults.push(invalidValue(`${path}.weight`, weight, 'must have a positive weight applied to it'))
    for (const [at, { name }] of (extender.managedResources ?? []).entries()) {
      const where = `${path}.managedResources[${at}].name`
      const malformed = isQualifiedName(name)
      for (const message of malformed) faults.push(invalidValue(where, name, message))
      if (malformed.length === 0 && !isExtendedResource(name))
        faults.push(invalidValue(where, name, 'is an invalid extended resource name'))
      if (managed.has(name)) faults.push(invalidValue(where, name, 'duplicate extender managed resource name'))
      managed.add(name)
    }
  }
  const binders = extenders.filter(({ bindVerb }) => bindVerb).length
  if (binders > 1)
    faults.push(invalidValue('extenders', `found ${binders} extenders implementing bind`, 'only one extender can implement bind'))
}

/** With a domain that is not Kubernetes' own, and usable under a quota. */
const isExtendedResource = (name: string): boolean =>
  name.includes('/') &&
  !name.includes('kubernetes.io/') &&
  !name.startsWith('requests.') &&
  isQualifiedName(`requests.${name}`).length === 0
