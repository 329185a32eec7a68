import type { KubeObject } from '@skiff/machinery'
import type { Fields } from '../file/fields.ts'
import { compileJq } from '../jq/evaluate.ts'
import { compileSelf } from './cel.ts'

type Test = (object: KubeObject) => boolean

/** A stage's selector: all of its conditions. Absent, it selects nothing, as in kwok. */
export const readSelector = (selector: Fields | undefined): Test => {
  if (!selector) return () => false
  const tests = [
    ...pairs(selector.map('matchLabels'), ({ metadata }) => metadata.labels),
    ...pairs(selector.map('matchAnnotations'), ({ metadata }) => metadata.annotations),
    ...selector.list('matchExpressions').map(expression),
  ]
  return (object) => tests.every((test) => test(object))
}

const pairs = (
  wanted: Readonly<Record<string, string>> | undefined,
  of: (object: KubeObject) => Readonly<Record<string, string>> | undefined,
): Test[] =>
  Object.entries(wanted ?? {}).map(([key, value]) => (object) => {
    const held = of(object)
    return held !== undefined && Object.hasOwn(held, key) && held[key] === value
  })

/** Of all of kwok's forms: `key`, `operator` and `values` themselves or within `jq`, or an expression in CEL. */
const expression = (outer: Fields): Test => {
  const cel = outer.object('cel')
  if (cel) return cel.reading('expression', () => celTest(cel.text('expression') ?? cel.refuse('expression', 'is missing')))
  const fields = outer.object('jq') ?? outer
  const query = fields.reading('key', () => compileJq(fields.text('key') ?? fields.refuse('key', 'is missing')))
  const operator = fields.text('operator')
  const values = new Set(fields.texts('values') ?? [])
  const isIn = (object: KubeObject): boolean => (query(object) ?? []).some((value) => isScalar(value) && values.has(String(value)))
  const exists = (object: KubeObject): boolean => (query(object) ?? []).some((value) => value !== null)
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.size === 0) fields.refuse('values', "must not be empty for the operators 'In' and 'NotIn'")
      return operator === 'In' ? isIn : (object) => !isIn(object)
    case 'Exists':
    case 'DoesNotExist':
      if (values.size > 0) fields.refuse('values', "must be empty for the operators 'Exists' and 'DoesNotExist'")
      return operator === 'Exists' ? exists : (object) => !exists(object)
    default:
      return fields.refuse('operator', 'must be In, NotIn, Exists or DoesNotExist')
  }
}

/** What fails, as over what is not there, does not hold. */
const celTest = (source: string): Test => {
  const holds = compileSelf(source)
  return (object) => holds(object) === true
}

const isScalar = (value: unknown): boolean => typeof value === 'string' || typeof value === 'boolean' || Number.isInteger(value)
