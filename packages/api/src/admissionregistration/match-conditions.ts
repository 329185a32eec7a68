import { duplicate, required, tooMany } from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'
import { checkLabelName } from '../checks/label-selector.ts'
import type { MatchCondition } from '../generated/types.ts'
import { checkExpression, declaredFor } from './expressions.ts'

const most = 64

/** Names of conditions, and whether their expressions can be read. `params`: whether those may speak of parameters. */
export const checkMatchConditions = (faults: Faults, conditions: readonly MatchCondition[] = [], path: string, params = false): void => {
  const declared = declaredFor({ params, authorizer: true })
  if (conditions.length > most) faults.push(tooMany(path, conditions.length, most))
  const seen = new Set<string>()
  conditions.forEach(({ name, expression }, index) => {
    if (!expression?.trim()) faults.push(required(`${path}[${index}].expression`))
    else checkExpression(faults, expression, `${path}[${index}].expression`, declared, ['bool'])
    if (!name) faults.push(required(`${path}[${index}].name`))
    else {
      checkLabelName(faults, name, `${path}[${index}].name`)
      if (seen.has(name)) faults.push(duplicate(`${path}[${index}].name`, name))
      seen.add(name)
    }
  })
}
