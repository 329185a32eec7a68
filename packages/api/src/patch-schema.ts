import type { FieldFacts, PatchSchema } from '@skiff/machinery'
import type { Kind } from './catalogue.ts'
import { typeFacts } from './facts.ts'

const schemas = new Map<string, PatchSchema>()

/** How strategic merge patch treats the fields of a type of the facts: merge keys and strategies. */
const schemaOfType = (typeName: string): PatchSchema => {
  const known = schemas.get(typeName)
  if (known) return known
  const fields = new Map<string, ReturnType<PatchSchema['field']>>()
  const schema: PatchSchema = {
    name: typeName.slice(typeName.lastIndexOf('.') + 1),
    field: (name) => {
      if (!fields.has(name)) fields.set(name, fieldOf(typeFacts[typeName]?.fields?.[name]))
      return fields.get(name)
    },
  }
  schemas.set(typeName, schema)
  return schema
}

const fieldOf = (facts: FieldFacts | undefined): ReturnType<PatchSchema['field']> => {
  if (!facts) return undefined
  const inner = facts.ref ?? facts.items?.ref ?? facts.values?.ref
  const strategy = facts.patchStrategy?.split(',') as ('merge' | 'replace' | 'retainKeys')[] | undefined
  return {
    ...(strategy ? { strategy } : {}),
    ...(facts.patchMergeKey ? { mergeKey: facts.patchMergeKey } : {}),
    ...(inner && typeFacts[inner]?.fields ? { schema: schemaOfType(inner) } : {}),
  }
}

export const patchSchemaOf = (kind: Kind): PatchSchema => schemaOfType(kind.typeName)
