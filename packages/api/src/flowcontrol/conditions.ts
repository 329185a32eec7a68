import { duplicate, required } from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'

/** One condition a type, and every type said. */
export const checkFlowConditions = (faults: Faults, conditions: readonly { readonly type?: string }[] = []): void => {
  const types = conditions.map(({ type = '' }) => type)
  types.forEach((type, index) => {
    const path = `status.conditions[${index}].type`
    if (types.indexOf(type) < index) faults.push(duplicate(path, type))
    if (type === '') faults.push(required(path, 'must not be empty'))
  })
}
