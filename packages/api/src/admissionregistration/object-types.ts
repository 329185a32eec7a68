import {
  compileSchemas,
  dynType,
  listType,
  mapType,
  type ObjectSchema,
  objectType,
  type Shape,
  type StaticType,
  simpleType,
} from '@skiff/machinery'
import { declaredOf, escapedName } from '../apiextensions/rules/declared.ts'
import type { Structural } from '../apiextensions/values/structural.ts'
import { typeFacts } from '../facts.ts'

const schemaOf = compileSchemas({ types: typeFacts })

/** Types of which others are parts: each is made once, so that those that hold themselves come to an end. */
type Made = Map<ObjectSchema, StaticType>

/** A type of the API as expressions see it; `name` is how refusals call it. */
export const celTypeOf = (typeName: string, name: string): StaticType => objectOf(schemaOf(typeName), name, new Map())

const objectOf = (schema: ObjectSchema, name: string, made: Made): StaticType => {
  const known = made.get(schema)
  if (known) return known
  const fields = new Map<string, StaticType>()
  const type = objectType(name, fields)
  made.set(schema, type)
  for (const field of schema.fields) {
    const escaped = escapedName(field.name)
    if (escaped !== undefined) fields.set(escaped, shapeType(field.shape, `${name}.${escaped}`, made))
  }
  return type
}

const shapeType = (shape: Shape, name: string, made: Made): StaticType => {
  switch (shape.is) {
    case 'string':
      return simpleType('string')
    case 'boolean':
      return simpleType('bool')
    case 'integer':
      return simpleType('int')
    case 'number':
      return simpleType('double')
    case 'bytes':
      return simpleType('bytes')
    case 'time':
      return simpleType('timestamp')
    case 'duration':
      return simpleType('string')
    case 'array':
      return listType(shapeType(shape.items, `${name}.@elem`, made))
    case 'map':
      return mapType(simpleType('string'), shapeType(shape.values, `${name}.@elem`, made))
    case 'object':
      return objectOf(shape.schema, name, made)
    default:
      return dynType
  }
}

const metaType = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/** The objects of a definition, with the metadata that all objects have; undefined where its schema tells nothing. */
export const celTypeOfCustom = (schema: Structural, name: string): StaticType | undefined => {
  const declared = declaredOf(schema, name, true)?.type
  return declared?.fields && objectType(name, new Map([...declared.fields, ['metadata', celTypeOf(metaType, `${name}.metadata`)]]))
}
