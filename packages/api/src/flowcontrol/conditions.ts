import { duplicate, repeats, required } from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'

/** One condition a type, and every type said. */
export const checkFlowConditions = (faults: Faults, conditions: readonly { readonly type?: string }[] = []): void => {
  const types = conditions.map(({ type = '' }) => type)
  const again = repeats(types)
  types.forEach((type, index) => {
    const path = `status.conditions[${index}].type`
    if (again.has(index)) faults.push(duplicate(path, type))
    if (type === '') faults.push(required(path, 'must not be empty'))
  })
}
