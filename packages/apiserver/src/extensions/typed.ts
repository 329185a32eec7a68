import { isEmbedded, isIntOrString, itemsOf, keepsUnknown, propertyOf, type Structural, typedOf, valuesOf } from '@skiff/api'
import type { Json, Typed } from '@skiff/machinery'

const free: Typed = { is: 'free' }
const text: Typed = { is: 'scalar', of: 'string' }
const metadata = (): Typed => typedOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')

/** How the objects of a schema are merged by server-side apply. `open`: something around the schema keeps what it does not know. */
export const typedOfSchema = (schema: Structural, root = false, open = false): Typed => {
  if (isIntOrString(schema)) return free
  switch (schema.type) {
    case 'object':
      return objectType(schema, root, open || keepsUnknown(schema))
    case 'array':
      return listType(schema, open || keepsUnknown(schema))
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

const objectType = (schema: Structural, root: boolean, open: boolean): Typed => {
  const values = valuesOf(schema)
  const fields = new Map<string, Typed>()
  const whole = root || isEmbedded(schema)
  // An object of which nothing is said may hold anything.
  const bare = values === undefined && !whole && Object.keys(schema.properties ?? {}).length === 0
  if (whole) {
    fields.set('apiVersion', text)
    fields.set('kind', text)
    fields.set('metadata', metadata())
  }
  const type: Typed = {
    is: 'object',
    named: (name) => {
      const property = fields.has(name) ? undefined : propertyOf(schema, name)
      if (property) fields.set(name, typedOfSchema(property, false, open))
      return fields.get(name)
    },
    rest: typeof values === 'object' ? typedOfSchema(values, false, open) : open || bare || values === true ? free : undefined,
    implied: [],
  }
  return schema['x-kubernetes-map-type'] === 'atomic' ? { is: 'atomic', within: type } : type
}

const listType = (schema: Structural, open: boolean): Typed => {
  const items = itemsOf(schema)
  const type = items ? typedOfSchema(items, false, open) : free
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
