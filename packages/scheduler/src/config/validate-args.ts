import type { TopologySpreadConstraint } from '@skiff/api'
import { duplicate, type FieldError, forbiddenField, invalidValue, isQualifiedName, notSupported, required } from '@skiff/machinery'
import type { InTreeArgs, ResourceWeight, ShapePoint } from './configuration.ts'
import type { SchedulerGates } from './defaults.ts'
import { checkAffinity } from './validate-affinity.ts'

type Check<Args> = (faults: FieldError[], path: string, args: Args, gates: SchedulerGates) => void
type Checks = { readonly [Name in keyof InTreeArgs]: Check<InTreeArgs[Name]> }

/** `a.b`, or `b` where upstream passes no path. */
const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

const checkName = (faults: FieldError[], path: string, name: string): void => {
  for (const message of isQualifiedName(name)) faults.push(invalidValue(path, name, message))
}

const checkShape = (faults: FieldError[], path: string, shape: readonly ShapePoint[] | undefined): void => {
  if (!shape?.length) {
    faults.push(required(path, 'at least one point must be specified'))
    return
  }
  const unsorted = shape.findIndex((point, index) => index > 0 && (shape[index - 1] as ShapePoint).utilization >= point.utilization)
  if (unsorted > 0)
    faults.push(invalidValue(`${path}[${unsorted}].utilization`, shape[unsorted]?.utilization, 'values must be sorted in increasing order'))
  for (const [index, { utilization, score }] of shape.entries()) {
    if (utilization < 0 || utilization > 100)
      faults.push(invalidValue(`${path}[${index}].utilization`, utilization, 'not in valid range [0, 100]'))
    if (score < 0 || score > 10) faults.push(invalidValue(`${path}[${index}].score`, score, 'not in valid range [0, 10]'))
  }
}

const checkPreemption: Checks['DefaultPreemption'] = (faults, path, args) => {
  const { minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute } = args
  const [percentagePath, absolutePath] = [child(path, 'minCandidateNodesPercentage'), child(path, 'minCandidateNodesAbsolute')]
  if (percentage < 0 || percentage > 100) faults.push(invalidValue(percentagePath, percentage, 'not in valid range [0, 100]'))
  if (absolute < 0) faults.push(invalidValue(absolutePath, absolute, 'not in valid range [0, inf)'))
  if (percentage !== 0 || absolute !== 0) return
  faults.push(invalidValue(percentagePath, 0, 'cannot be zero at the same time as minCandidateNodesAbsolute'))
  faults.push(invalidValue(absolutePath, 0, 'cannot be zero at the same time as minCandidateNodesPercentage'))
}

const checkResources = (faults: FieldError[], path: string, resources: readonly ResourceWeight[]): void => {
  for (const [index, { name, weight }] of resources.entries())
    if (weight <= 0 || weight > 100)
      faults.push(invalidValue(`${path}[${index}].weight`, weight, `resource weight of ${name} not in valid range (0, 100]`))
}

const strategies = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']
const checkFit: Checks['NodeResourcesFit'] = (faults, path, { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy }) => {
  for (const [index, name] of ignoredResources.entries()) checkName(faults, `${child(path, 'ignoredResources')}[${index}]`, name)
  for (const [index, group] of ignoredResourceGroups.entries()) {
    const at = `${child(path, 'ignoredResourceGroups')}[${index}]`
    if (group.includes('/')) faults.push(invalidValue(at, group, "resource group name can't contain '/'"))
    checkName(faults, at, group)
  }
  const at = child(path, 'scoringStrategy')
  const { type, resources, requestedToCapacityRatio: ratio } = scoringStrategy
  if (!strategies.includes(type)) faults.push(notSupported(`${at}.type`, type, strategies))
  checkResources(faults, `${at}.resources`, resources)
  if (type === 'RequestedToCapacityRatio') {
    if (ratio) checkShape(faults, `${at}.requestedToCapacityRatio.shape`, ratio.shape)
    else faults.push(required(`${at}.requestedToCapacityRatio`, 'must be specified when type is RequestedToCapacityRatio'))
  } else if (ratio) faults.push(forbiddenField(`${at}.requestedToCapacityRatio`, 'must be nil when type is not RequestedToCapacityRatio'))
}

const checkBalanced: Checks['NodeResourcesBalancedAllocation'] = (faults, path, { resources }) => {
  const seen = new Set<string>()
  for (const [index, { name, weight }] of resources.entries()) {
    const at = `${child(path, 'resources')}[${index}]`
    if (seen.has(name)) faults.push(duplicate(`${at}.name`, name))
    seen.add(name)
    if (weight !== 1) faults.push(invalidValue(`${at}.weight`, weight, 'must be 1'))
  }
}

const whenTexts = ['DoNotSchedule', 'ScheduleAnyway']
const checkConstraint = (faults: FieldError[], path: string, constraint: TopologySpreadConstraint): void => {
  const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '' } = constraint as Partial<TopologySpreadConstraint>
  if (maxSkew <= 0) faults.push(invalidValue(`${path}.maxSkew`, maxSkew, 'not in valid range (0, inf)'))
  if (topologyKey === '') faults.push(required(`${path}.topologyKey`, 'can not be empty'))
  else checkName(faults, `${path}.topologyKey`, topologyKey)
  if (whenUnsatisfiable === '') faults.push(required(`${path}.whenUnsatisfiable`, 'can not be empty'))
  else if (!whenTexts.includes(whenUnsatisfiable)) faults.push(notSupported(`${path}.whenUnsatisfiable`, whenUnsatisfiable, whenTexts))
  if (constraint.labelSelector)
    faults.push(forbiddenField(`${path}.labelSelector`, 'constraint must not define a selector, as they deduced for each pod'))
}

const checkSpread: Checks['PodTopologySpread'] = (faults, path, { defaultingType, defaultConstraints = [] }) => {
  const at = child(path, 'defaultingType')
  if (defaultingType !== 'System' && defaultingType !== 'List') faults.push(notSupported(at, defaultingType, ['System', 'List']))
  else if (defaultingType === 'System' && defaultConstraints.length > 0)
    faults.push(invalidValue(at, defaultingType, 'when .defaultConstraints are not empty'))
  const seen = new Set<string>()
  for (const [index, constraint] of defaultConstraints.entries()) {
    const where = `${child(path, 'defaultConstraints')}[${index}]`
    checkConstraint(faults, where, constraint)
    const key = `{${constraint.topologyKey}, ${constraint.whenUnsatisfiable}}`
    if (seen.has(key)) faults.push(duplicate(where, key))
    seen.add(key)
  }
}

const checks: Checks = {
  DefaultPreemption: checkPreemption,
  InterPodAffinity: (faults, path, { hardPodAffinityWeight: weight }) => {
    if (weight < 0 || weight > 100) faults.push(invalidValue(child(path, 'hardPodAffinityWeight'), weight, 'not in valid range [0, 100]'))
  },
  NodeAffinity: (faults, path, { addedAffinity }) => checkAffinity(faults, child(path, 'addedAffinity'), addedAffinity),
  NodeResourcesFit: checkFit,
  NodeResourcesBalancedAllocation: checkBalanced,
  PodTopologySpread: checkSpread,
  VolumeBinding: (faults, path, { bindTimeoutSeconds: seconds, shape }, gates) => {
    if (seconds < 0)
      faults.push(invalidValue(child(path, 'bindTimeoutSeconds'), seconds, 'invalid BindTimeoutSeconds, should not be a negative value'))
    if (gates.StorageCapacityScoring) checkShape(faults, child(path, 'shape'), shape)
    else if (shape)
      faults.push(
        invalidValue(child(path, 'shape'), shape, 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring'),
      )
  },
}

/** By plugin: what is wrong with its arguments, once defaults are filled in. */
export const argChecks: Readonly<Record<string, (faults: FieldError[], path: string, args: unknown, gates: SchedulerGates) => void>> =
  checks as never
