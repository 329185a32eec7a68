import type { FieldFacts } from '@skiff/machinery'
import { typeFacts } from '../facts.ts'

/** How the values of a sample are chosen: ordinary ones, or those at the edges: zeros that are kept, negative and largest ones. */
export type Choice = 'ordinary' | 'zero' | 'edge'

const scalars: Readonly<Record<Choice, Readonly<Record<string, unknown>>>> = {
  ordinary: { string: 'ünï', boolean: true, integer: 300, number: 1.5 },
  zero: { string: '', boolean: false, integer: 0, number: 0 },
  edge: { string: '😀"\\\u0000', boolean: true, integer: -2147483648, number: -0.25 },
}
const formats: Readonly<Record<Choice, Readonly<Record<string, unknown>>>> = {
  ordinary: {
    'date-time': '2024-02-29T12:34:56Z',
    'micro-time': '2024-02-29T12:34:56.000789Z',
    duration: '90s',
    quantity: '2Gi',
    'int-or-string': 80,
    byte: 'AQI=',
    int64: 4294967296,
  },
  zero: { quantity: '0', 'int-or-string': 0, byte: '', duration: '0s' },
  edge: {
    'date-time': '0001-01-02T00:00:00Z',
    'micro-time': '1969-12-31T23:59:59.999999Z',
    duration: '-3s',
    quantity: '-100m',
    'int-or-string': '50%',
    byte: 'AP8=',
    int64: Number.MIN_SAFE_INTEGER,
  },
}

/** Keys whose order differs between JavaScript, UTF-16 and the bytes that Go sorts. */
const keys = ['b', '10', 'a', '\uff5e', '😀']
const raw = { z: [1], a: null }
const props = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'

const special = (name: string, choice: Choice, depth: number): unknown => {
  const leaf = { type: 'string' }
  const other = { ordinary: depth < 3 ? everyField(props, choice, depth + 2) : leaf, zero: {}, edge: leaf }[choice]
  switch (name) {
    case 'RawExtension':
    case 'FieldsV1':
    case 'JSON':
      return raw
    case 'ExtraValue':
    case 'Verbs':
      return ['x', '']
    case 'JSONSchemaPropsOrArray':
      return choice === 'edge' ? [leaf, {}] : other
    case 'JSONSchemaPropsOrBool':
      return choice === 'zero' ? false : other
    default:
      return choice === 'edge' ? ['y'] : other
  }
}

const deepest = 12
const valueFor = (facts: FieldFacts, choice: Choice, depth: number): unknown => {
  if (facts.type === 'array') {
    const first = valueFor(facts.items as FieldFacts, choice, depth)
    return first === undefined ? undefined : facts.items?.ref ? [first] : [first, valueFor(facts.items as FieldFacts, 'ordinary', depth)]
  }
  if (facts.type === 'map') {
    const value = valueFor(facts.values as FieldFacts, choice, depth)
    return value === undefined ? undefined : Object.fromEntries(keys.map((key) => [key, value]))
  }
  if (facts.format) {
    const chosen = formats[choice][facts.format]
    if (chosen !== undefined || (facts.type !== 'integer' && facts.type !== 'number')) return chosen
  }
  if (!facts.ref) return scalars[choice][facts.type]
  const name = facts.ref.slice(facts.ref.lastIndexOf('.') + 1)
  if (!typeFacts[facts.ref]?.fields) return special(name, choice, depth)
  const nests = facts.ref === props ? 4 : 1
  return depth + nests > deepest ? undefined : everyField(facts.ref, choice, depth + nests)
}

/** Wire JSON of a type with all of its fields, and theirs, as far as a schema that holds schemas ends. */
export const everyField = (typeName: string, choice: Choice, depth = 0): Record<string, unknown> => {
  const fields = Object.entries(typeFacts[typeName]?.fields ?? {}).filter(([, facts]) => facts.proto !== undefined)
  return Object.fromEntries(
    fields.map(([name, facts]) => [name, valueFor(facts, choice, depth)] as const).filter(([, value]) => value !== undefined),
  )
}
