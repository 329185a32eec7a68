import { forbiddenField } from '@skiff/machinery'
import { checkImmutable, checkOneOf, collect, type Faults } from '../checks/faults.ts'
import { priorityClass as priorityClassResource } from '../generated/resources.ts'
import type { PriorityClass } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const systemPrefix = 'system-'
const highestUserPriority = 1_000_000_000

/** The classes that every cluster has, and that users may neither change nor imitate. */
export const systemPriorities: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
}

const systemFault = ({ metadata: { name }, value = 0, globalDefault = false }: PriorityClass): string | undefined => {
  const fixed = Object.hasOwn(systemPriorities, name) ? systemPriorities[name] : undefined
  if (fixed === undefined) return `${name} is not a known system priority class`
  if (value !== fixed) return `value of ${name} PriorityClass must be ${fixed}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

const checkClass = (faults: Faults, priority: PriorityClass): void => {
  if (priority.metadata.name?.startsWith(systemPrefix)) {
    const fault = systemFault(priority)
    if (fault !== undefined)
      faults.push(
        forbiddenField(
          'metadata.name',
          `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${fault}`,
        ),
      )
  } else if ((priority.value ?? 0) > highestUserPriority)
    faults.push(forbiddenField('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`))
  if (priority.preemptionPolicy !== undefined)
    checkOneOf(faults, priority.preemptionPolicy, ['PreemptLowerPriority', 'Never'], 'preemptionPolicy')
}

export const priorityClass = defineKind<PriorityClass>(priorityClassResource, {
  // Upstream sets it on create and never counts on.
  generationChanged: () => false,
  validate: (next) => collect((faults) => checkClass(faults, next)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      if ((next.value ?? 0) !== (old.value ?? 0)) faults.push(forbiddenField('value', 'may not be changed in an update.'))
      checkImmutable(faults, next.preemptionPolicy, old.preemptionPolicy, 'preemptionPolicy')
    }),
})
