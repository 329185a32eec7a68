import { duplicate, invalidValue, isConditionReason, notSupported, repeats, required, tooLong } from '@skiff/machinery'
import type { Condition } from '../generated/types.ts'
import { addInvalid, type Faults } from './faults.ts'
import { checkLabelName } from './label-selector.ts'

const longestReason = 1024
const longestMessage = 32 * 1024
const statuses = ['False', 'True', 'Unknown']

/** Conditions of meta/v1, one a type. */
export const checkConditions = (faults: Faults, conditions: readonly Condition[] = [], path: string): void => {
  const types = conditions.map(({ type = '' }) => type)
  const again = repeats(types)
  conditions.forEach((condition, index) => {
    const each = `${path}[${index}]`
    if (again.has(index)) faults.push(duplicate(`${each}.type`, types[index]))
    checkCondition(faults, condition, each)
  })
}

const checkCondition = (faults: Faults, condition: Partial<Condition>, path: string): void => {
  const { type = '', status = '', observedGeneration = 0, lastTransitionTime, reason = '', message = '' } = condition
  checkLabelName(faults, type, `${path}.type`)
  if (!statuses.includes(status)) faults.push(notSupported(`${path}.status`, status, statuses))
  if (observedGeneration < 0)
    faults.push(invalidValue(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero'))
  if (!lastTransitionTime) faults.push(required(`${path}.lastTransitionTime`, 'must be set'))
  if (reason === '') faults.push(required(`${path}.reason`, 'must be set'))
  else {
    addInvalid(faults, isConditionReason(reason), reason, `${path}.reason`)
    if (reason.length > longestReason) faults.push(tooLong(`${path}.reason`, reason, longestReason))
  }
  if (message.length > longestMessage) faults.push(tooLong(`${path}.message`, message, longestMessage))
}
