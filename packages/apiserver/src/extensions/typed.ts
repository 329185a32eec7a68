import { isEmbedded, isIntOrString, itemsOf, keepsUnknown, propertyOf, type Structural, typedOf, valuesOf } from '@skiff/api'
import type { Json, Typed } from '@skiff/machinery'

const free: Typed = { is: 'free' }
const text: Typed = { is: 'scalar', of: 'string' }
const metadata = (): Typed => typedOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')

/** How the objects of a schema are merged by server-side apply. */
export const typedOfSchema = (schema: Structural, root = false): Typed => {
  if (isIntOrString(schema)) return { is: 'scalar', of: 'any' }
  switch (schema.type) {
    case 'object':
      return objectType(schema, root)
    case 'array':
      return listType(schema)
    case 'string':
      return text
    case 'boolean':
      return { is: 'scalar', of: 'boolean' }
    case 'integer':
    case 'number':
      return { is: 'scalar', of: 'number' }
    default:
      return free
  }
}

const objectType = (schema: Structural, root: boolean): Typed => {
  const values = valuesOf(schema)
  const fields = new Map<string, Typed>()
  const open = keepsUnknown(schema) || isEmbedded(schema) || values === true
  if (root) {
    fields.set('apiVersion', text)
    fields.set('kind', text)
    fields.set('metadata', metadata())
  }
  const type: Typed = {
    is: 'object',
    named: (name) => {
      const property = fields.has(name) ? undefined : propertyOf(schema, name)
      if (property) fields.set(name, typedOfSchema(property))
      return fields.get(name)
    },
    rest: typeof values === 'object' ? typedOfSchema(values) : open ? free : undefined,
    implied: [],
  }
  return schema['x-kubernetes-map-type'] === 'atomic' ? { is: 'atomic', within: type } : type
}

const listType = (schema: Structural): Typed => {
  const items = itemsOf(schema)
  const type = items ? typedOfSchema(items) : free
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return { is: 'set', items: type }
    case 'map': {
      const keys = schema['x-kubernetes-list-map-keys'] ?? []
      return {
        is: 'keyed',
        keys: keys.map((name) => ({ name, fallback: items && (propertyOf(items, name)?.default as Json | undefined) })),
        items: type,
      }
    }
    default:
      return { is: 'atomic', within: { is: 'list', items: type } }
  }
}
