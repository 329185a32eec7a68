import type { FieldFacts, Json, Typed, TypedObject } from '@skiff/machinery'
import type { Kind } from './catalogue.ts'
import { typeFacts } from './facts.ts'

const anyScalar: Typed = { is: 'scalar', of: 'any' }
const text: Typed = { is: 'scalar', of: 'string' }
const free: Typed = { is: 'free' }
const texts: Typed = { is: 'atomic', within: { is: 'list', items: text } }

/** Types that the wire knows as something else than their fields. */
const special: Readonly<Record<string, Typed>> = {
  Time: anyScalar,
  MicroTime: anyScalar,
  Duration: text,
  Quantity: anyScalar,
  QuantityValue: anyScalar,
  IntOrString: anyScalar,
  ExtraValue: texts,
  Verbs: texts,
}

const made = new Map<string, Typed>()

/** How objects of a type of the facts are merged by server-side apply. */
export const typedOf = (typeName: string): Typed => {
  const known = made.get(typeName)
  if (known) return known
  const facts = typeFacts[typeName]
  const type = facts?.special || !facts?.fields ? (special[typeName.slice(typeName.lastIndexOf('.') + 1)] ?? free) : structOf(facts.fields)
  const whole: Typed = facts?.mapType === 'atomic' ? { is: 'atomic', within: type } : type
  made.set(typeName, whole)
  return whole
}

const structOf = (facts: Readonly<Record<string, FieldFacts>>): TypedObject => {
  // Types refer to themselves: a field is looked at when it is asked for.
  const fields = new Map<string, Typed>()
  let implied: (readonly [string, Json])[] | undefined
  return {
    is: 'object',
    named: (name) => {
      if (!fields.has(name) && Object.hasOwn(facts, name)) fields.set(name, fieldOf(facts[name] as FieldFacts))
      return fields.get(name)
    },
    rest: undefined,
    get implied() {
      implied ??= impliedBy(facts)
      return implied
    },
  }
}

/** `{}` stands for what the nested type implies. */
const impliedBy = (facts: Readonly<Record<string, FieldFacts>>): (readonly [string, Json])[] =>
  Object.entries(facts).flatMap(([name, { zero, ref }]) => {
    if (zero === undefined) return []
    const nested = ref && JSON.stringify(zero) === '{}' ? typeFacts[ref]?.fields : undefined
    return [[name, nested ? Object.fromEntries(impliedBy(nested)) : (zero as Json)] as const]
  })

const formats = new Set(['int-or-string', 'quantity', 'date-time', 'micro-time'])

const fieldOf = (facts: FieldFacts): Typed => {
  if (facts.format && formats.has(facts.format)) return anyScalar
  if (facts.ref) return facts.mapType === 'atomic' ? { is: 'atomic', within: typedOf(facts.ref) } : typedOf(facts.ref)
  switch (facts.type) {
    case 'string':
      return text
    case 'boolean':
      return { is: 'scalar', of: 'boolean' }
    case 'integer':
    case 'number':
      return { is: 'scalar', of: 'number' }
    case 'array':
      return listOf(facts)
    case 'map': {
      const type: Typed = { is: 'object', named: () => undefined, rest: facts.values ? fieldOf(facts.values) : free, implied: [] }
      return facts.mapType === 'atomic' ? { is: 'atomic', within: type } : type
    }
    default:
      return free
  }
}

const listOf = ({ items, listType, listMapKeys }: FieldFacts): Typed => {
  const type = items ? fieldOf(items) : free
  if (listType === 'set') return { is: 'set', items: type }
  if (listType !== 'map') return { is: 'atomic', within: { is: 'list', items: type } }
  const fields = items?.ref ? typeFacts[items.ref]?.fields : undefined
  const keys = (listMapKeys ?? []).map((name) => ({ name, fallback: fields?.[name]?.default as Json | undefined }))
  return { is: 'keyed', keys, items: type }
}

/** The type of a kind's objects: a custom kind brings its own. */
export const typedOfKind = (kind: Kind): Typed => kind.typed ?? typedOf(kind.typeName)
