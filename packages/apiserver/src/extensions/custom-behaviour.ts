import { type Behaviour, checkEmbedded, checkLists, checkValue, type Kind, type Structural } from '@skiff/api'
import { addFaults, type FieldError, invalidValue, type Json, type KubeObject, sameJson } from '@skiff/machinery'
import { checkScale } from './check-scale.ts'
import { checkRules, hasRules } from './rules.ts'

const withoutMeta = (object: KubeObject): Json => {
  const { metadata: _, ...rest } = object
  return rest as unknown as Json
}
const withoutStatus = (object: KubeObject): Json => {
  const { metadata: _, status: __, ...rest } = object as KubeObject & { status?: unknown }
  return rest as unknown as Json
}

const unchecked = invalidValue(
  '<nil>',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
)

/** Faults that leave a value in no state to be looked at by rules. */
const blocking = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
])

const text: Structural = { type: 'string' }
/** At the root, rules see what every object has: its kind and its names. */
const withMetaSchema = (schema: Structural): Structural => ({
  ...schema,
  properties: {
    ...schema.properties,
    apiVersion: text,
    kind: text,
    metadata: { type: 'object', properties: { name: text, generateName: text } },
  },
})

/** How the objects of a definition's version behave. */
export const customBehaviour = (schema: Structural, hasStatus: boolean, scale: Kind['scale']): Behaviour => {
  const bodyOf = hasStatus ? withoutStatus : withoutMeta
  const ruled = hasRules(schema) ? withMetaSchema(schema) : undefined
  const check = (next: KubeObject, old: KubeObject | undefined, part: 'all' | 'status'): readonly FieldError[] => {
    const [value, before] = [next as unknown as Json, old as unknown as Json | undefined]
    const faults = [...checkValue(schema, value, before, ''), ...checkScale(scale, value, part)]
    if (part === 'all') addFaults(faults, checkEmbedded(schema, value))
    addFaults(faults, newListFaults(schema, value, before))
    if (!ruled) return faults
    if (faults.some(({ reason }) => blocking.has(reason))) return [...faults, unchecked]
    return [...faults, ...checkRules(ruled, value, before)]
  }
  /** Rules that were broken before an update may stay so, and say it. */
  const brokenStill = (next: KubeObject, old: KubeObject | undefined): readonly string[] => {
    const warnings: string[] = []
    if (ruled && old) checkRules(ruled, next as unknown as Json, old as unknown as Json, warnings)
    return warnings
  }
  return {
    requireResourceVersion: true,
    ...(ruled ? { warnings: brokenStill } : {}),
    validate: (next) => check(next, undefined, 'all'),
    validateUpdate: (next, old) => check(next, old, 'all'),
    generationChanged: (next, old) => !sameJson(bodyOf(next), bodyOf(old)),
    ...(hasStatus ? statusBehaviour((next, old) => check(next, old, 'status')) : {}),
  }
}

/** Lists that held something twice before may do so on. */
const newListFaults = (schema: Structural, value: Json, old: Json | undefined): readonly FieldError[] => {
  const faults = checkLists(schema, value)
  return faults.length > 0 && old !== undefined && checkLists(schema, old).length > 0 ? [] : faults
}

const statusBehaviour = (check: (next: KubeObject, old: KubeObject) => readonly FieldError[]): Partial<Behaviour> => ({
  ignoredFields: { '': ['status'], status: ['metadata', 'spec'] },
  subresources: {
    status: {
      prepareForUpdate: (next, old) => {
        const { status } = next as KubeObject & { status?: unknown }
        const { status: _, ...kept } = old as KubeObject & { status?: unknown }
        return (status === undefined ? kept : { ...kept, status }) as KubeObject
      },
      validateUpdate: check,
    },
  },
})
