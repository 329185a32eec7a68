import { addFaults, at, type FieldError, invalidValue, item, notSupported } from '../field.ts'
import { isLabelValue, isQualifiedName } from '../names/syntax.ts'

/** Operators as upstream's selection package writes them; '=' and '==' differ in print only. */
export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt' | 'exists' | '!'

/** One condition on one label. `values` are sorted and distinct. */
export interface LabelRequirement {
  readonly key: string
  readonly operator: LabelOperator
  readonly values: readonly string[]
}

export type Labels = Readonly<Record<string, string>>
export type LabelMatcher = (labels: Labels | undefined) => boolean

export const binaryOperators: readonly LabelOperator[] = ['in', 'notin', '=', '==', '!=', 'gt', 'lt']
const operators: readonly string[] = [...binaryOperators, 'exists', '!']

const int64 = /^[+-]?\d+$/
const asInt64 = (text: string): bigint | undefined => {
  if (!int64.test(text) || text.length > 24) return undefined
  const value = BigInt(text.replace('+', ''))
  return value < 2n ** 63n && value >= -(2n ** 63n) ? value : undefined
}

/** Complaints about a requirement, as upstream's NewRequirement gives them; `path` is empty for a selector in a query. */
export const checkRequirement = ({ key, operator, values }: LabelRequirement, path = ''): FieldError[] => {
  const errors: FieldError[] = []
  const keyComplaints = isQualifiedName(key)
  if (keyComplaints.length > 0) errors.push(invalidValue(at(path, 'key'), key, keyComplaints.join('; ')))
  const field = at(path, 'values')
  if (!operators.includes(operator)) errors.push(notSupported(at(path, 'operator'), operator, operators))
  else addFaults(errors, checkCount(operator, values, field))
  values.forEach((value, i) => {
    const complaints = isLabelValue(value)
    if (complaints.length > 0) errors.push(invalidValue(item(item(field, i), key), value, complaints.join('; ')))
  })
  return errors
}

const checkCount = (operator: LabelOperator, values: readonly string[], field: string): FieldError[] => {
  switch (operator) {
    case 'in':
    case 'notin':
      return values.length === 0 ? [invalidValue(field, values, "for 'in', 'notin' operators, values set can't be empty")] : []
    case '=':
    case '==':
    case '!=':
      return values.length === 1 ? [] : [invalidValue(field, values, 'exact-match compatibility requires one single value')]
    case 'exists':
    case '!':
      return values.length === 0 ? [] : [invalidValue(field, values, 'values set must be empty for exists and does not exist')]
    case 'gt':
    case 'lt':
      return [
        ...(values.length === 1 ? [] : [invalidValue(field, values, "for 'Gt', 'Lt' operators, exactly one value is required")]),
        ...values.flatMap((value, i) =>
          asInt64(value) === undefined
            ? [invalidValue(item(field, i), value, "for 'Gt', 'Lt' operators, the value must be an integer")]
            : [],
        ),
      ]
  }
}

const compileOne = ({ key, operator, values }: LabelRequirement): LabelMatcher => {
  const [first] = values
  switch (operator) {
    case '=':
    case '==':
      return (labels) => labels !== undefined && labels[key] === first && Object.hasOwn(labels, key)
    case '!=':
      return (labels) => labels === undefined || labels[key] !== first || !Object.hasOwn(labels, key)
    case 'in':
    case 'notin': {
      const set = new Set(values)
      const wanted = operator === 'in'
      return (labels) => (labels !== undefined && Object.hasOwn(labels, key) && set.has(labels[key] as string)) === wanted
    }
    case 'exists':
      return (labels) => labels !== undefined && Object.hasOwn(labels, key)
    case '!':
      return (labels) => labels === undefined || !Object.hasOwn(labels, key)
    case 'gt':
    case 'lt': {
      const bound = asInt64(first ?? '')
      return (labels) => {
        const value = labels !== undefined && Object.hasOwn(labels, key) ? asInt64(labels[key] as string) : undefined
        if (value === undefined || bound === undefined) return false
        return operator === 'gt' ? value > bound : value < bound
      }
    }
  }
}

/** A function that tells whether labels meet all requirements. */
export const compileRequirements = (requirements: readonly LabelRequirement[]): LabelMatcher => {
  const [first, second, ...rest] = requirements.map(compileOne)
  if (first === undefined) return () => true
  if (second === undefined) return first
  if (rest.length === 0) return (labels) => first(labels) && second(labels)
  return (labels) => {
    if (!first(labels) || !second(labels)) return false
    for (const each of rest) if (!each(labels)) return false
    return true
  }
}

export const requirementText = ({ key, operator, values }: LabelRequirement): string => {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`
    case 'gt':
    case 'lt':
      return `${key}${operator === 'gt' ? '>' : '<'}${values.join(',')}`
    default:
      return `${key}${operator}${values.join(',')}`
  }
}
