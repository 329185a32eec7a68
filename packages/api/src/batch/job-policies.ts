import {
  duplicate,
  type FieldError,
  invalidValue,
  isQualifiedName,
  notSupported,
  quoted,
  repeats,
  required,
  tooLong,
  tooMany,
} from '@skiff/machinery'
import { addInvalid, checkNonNegative, type Faults } from '../checks/faults.ts'
import type { JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from '../generated/types.ts'

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const operators = ['In', 'NotIn']
const statuses = ['False', 'True', 'Unknown']
const mostRules = 20
const mostExitCodes = 255
const mostPatterns = 20
const longestIndexes = 64 * 1024

/** An Invalid that shows no value. */
const invalidAlone = (path: string, text: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field: path,
  body: `Invalid value: ${text}`,
})

const checkWord = (faults: Faults, value: string, allowed: readonly string[], path: string): void => {
  if (value === '') faults.push(required(path, `valid values: [${allowed.map(quoted).join(' ')}]`))
  else if (!allowed.includes(value)) faults.push(notSupported(path, value, allowed))
}

export const checkFailurePolicy = (faults: Faults, spec: JobSpec, path: string): void => {
  const rules = spec.podFailurePolicy?.rules ?? []
  if (rules.length > mostRules) faults.push(tooMany(`${path}.rules`, rules.length, mostRules))
  rules.forEach((rule, index) => {
    checkFailureRule(faults, spec, rule, `${path}.rules[${index}]`)
  })
}

const checkFailureRule = (faults: Faults, spec: JobSpec, rule: PodFailurePolicyRule, path: string): void => {
  const { action = '' as string, onExitCodes, onPodConditions = [] } = rule
  if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined)
      faults.push(invalidValue(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set'))
  } else checkWord(faults, action, actions, `${path}.action`)
  if (onExitCodes) checkExitCodes(faults, spec, onExitCodes, `${path}.onExitCodes`)
  if (onPodConditions.length > 0) checkConditions(faults, onPodConditions, `${path}.onPodConditions`)
  if (onExitCodes && onPodConditions.length > 0)
    faults.push(invalidAlone(path, 'specifying both OnExitCodes and OnPodConditions is not supported'))
  if (!onExitCodes && onPodConditions.length === 0)
    faults.push(invalidAlone(path, 'specifying one of OnExitCodes and OnPodConditions is required'))
}

const checkConditions = (faults: Faults, patterns: NonNullable<PodFailurePolicyRule['onPodConditions']>, path: string): void => {
  if (patterns.length > mostPatterns) faults.push(tooMany(path, patterns.length, mostPatterns))
  patterns.forEach(({ type = '', status = '' }, index) => {
    addInvalid(faults, isQualifiedName(type), type, `${path}[${index}].type`)
    checkWord(faults, status, statuses, `${path}[${index}].status`)
  })
}

const checkExitCodes = (faults: Faults, spec: JobSpec, codes: NonNullable<PodFailurePolicyRule['onExitCodes']>, path: string): void => {
  const { operator = '' as string, containerName, values = [] } = codes
  checkWord(faults, operator, operators, `${path}.operator`)
  const template = spec.template?.spec
  const known = [...(template?.containers ?? []), ...(template?.initContainers ?? [])].some((container) => container.name === containerName)
  if (containerName !== undefined && !known)
    faults.push(
      invalidValue(`${path}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template'),
    )
  if (values.length === 0) faults.push(invalidValue(`${path}.values`, values, 'at least one value is required'))
  if (values.length > mostExitCodes) faults.push(tooMany(`${path}.values`, values.length, mostExitCodes))
  const again = repeats(values)
  values.forEach((value, index) => {
    const at = `${path}.values[${index}]`
    if (operator === 'In' && value === 0) faults.push(invalidValue(at, value, 'must not be 0 for the In operator'))
    if (again.has(index)) faults.push(duplicate(at, value))
  })
  if (values.some((value, index) => index > 0 && (values[index - 1] as number) > value))
    faults.push(invalidValue(`${path}.values`, values, 'must be ordered'))
}

export const checkSuccessPolicy = (faults: Faults, spec: JobSpec, path: string): void => {
  const rules = spec.successPolicy?.rules ?? []
  if (rules.length === 0) faults.push(required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified'))
  if (rules.length > mostRules) faults.push(tooMany(`${path}.rules`, rules.length, mostRules))
  rules.forEach((rule, index) => {
    checkSuccessRule(faults, rule, spec.completions ?? 0, `${path}.rules[${index}]`)
  })
}

const checkSuccessRule = (
  faults: Faults,
  { succeededCount, succeededIndexes }: SuccessPolicyRule,
  completions: number,
  path: string,
): void => {
  if (succeededCount === undefined && succeededIndexes === undefined)
    faults.push(required(path, 'at least one of succeededCount or succeededIndexes must be specified'))
  let total: number | undefined
  if (succeededIndexes !== undefined) {
    if (succeededIndexes.length > longestIndexes) faults.push(tooLong(`${path}.succeededIndexes`, '', longestIndexes))
    const counted = countIndexes(succeededIndexes, completions)
    if (typeof counted === 'number') total = counted
    else faults.push(invalidValue(`${path}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${counted.wrong}`))
  }
  if (succeededCount === undefined) return
  const at = `${path}.succeededCount`
  checkNonNegative(faults, succeededCount, at)
  if (succeededCount > completions)
    faults.push(invalidValue(at, succeededCount, `must be less than or equal to ${completions} (the number of specified completions)`))
  if (succeededIndexes !== undefined && succeededCount > (total ?? 0))
    faults.push(
      invalidValue(
        at,
        succeededCount,
        `must be less than or equal to ${total ?? 0} (the number of indexes in the specified succeededIndexes field)`,
      ),
    )
}

/** How many indexes `0-2,5` names, or what is wrong with it: ascending, below the number of completions. */
const countIndexes = (text: string, completions: number): number | { readonly wrong: string } => {
  if (text === '') return 0
  let last = -1
  let total = 0
  for (const part of text.split(',')) {
    const ends = part.split('-')
    if (ends.length > 2)
      return {
        wrong: `the fragment ${quoted(part)} violates the requirement that an index interval can have at most two parts separated by '-'`,
      }
    const bad = ends.find((end) => !/^[+-]?\d+$/.test(end))
    if (bad !== undefined) return { wrong: `cannot convert string to integer for index: ${quoted(bad)}` }
    const [from, to = from] = ends.map(Number) as [number, number | undefined]
    const tooBig = ends.find((end) => Number(end) >= completions)
    if (tooBig !== undefined) return { wrong: `too large index: ${quoted(tooBig)}` }
    if (last >= from) return { wrong: `non-increasing order, previous: ${last}, current: ${from}` }
    if (ends.length === 2 && from >= to) return { wrong: `non-increasing order, previous: ${from}, current: ${to}` }
    total += to - from + 1
    last = to
  }
  return total
}
