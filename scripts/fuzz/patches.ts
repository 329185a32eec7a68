import { type Kind, patchSchemaOf, typedOfKind } from '@skiff/api'
import {
  applyConfiguration,
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  createMergePatch,
  createStrategicMergePatch,
  decodeFields,
  decodeJsonPatch,
  encodeFields,
  encodeJson,
  encodeSortedJson,
  type Holdings,
  isJsonArray,
  isJsonObject,
  type Json,
  type JsonObject,
  noFields,
  parseJson,
  sameJson,
  typeFaults,
  type Versions,
} from '@skiff/machinery'
import { mergedByRfc, patchedByRfc } from './reference.ts'
import { kindNamed, objectOf, sampleKinds } from './samples.ts'
import { mostNested, must, outcomeOf, type Target } from './target.ts'

interface Pair {
  readonly object: JsonObject
  readonly patch: Json
  readonly more: Json
  readonly kind: string
}

/** An input is `{"kind","object","patch","more"}`; undefined where mutation left none. */
const pairOf = (input: Buffer): Pair | undefined => {
  let value: Json
  try {
    value = parseJson(input, mostNested).value
  } catch {
    return undefined
  }
  if (!isJsonObject(value) || !isJsonObject(value.object) || value.patch === undefined) return undefined
  return { object: value.object, patch: value.patch, more: value.more ?? null, kind: typeof value.kind === 'string' ? value.kind : '' }
}

/** Runs `act` and sees to it that neither argument changed. */
const untouched = (pair: Pair, act: () => string): string => {
  const before = encodeJson([pair.object, pair.patch, pair.more])
  const outcome = outcomeOf(act)
  must(encodeJson([pair.object, pair.patch, pair.more]) === before, 'an argument was changed')
  return outcome
}

const bytesOf = (value: object): Buffer => Buffer.from(JSON.stringify(value))
const pairs = (random: () => number, patchOf: (object: Record<string, unknown>, next: Record<string, unknown>) => unknown): Buffer[] =>
  sampleKinds.map((kind) => {
    const object = objectOf(kind, random)
    return bytesOf({ kind: kind.kind, object, patch: patchOf(object, objectOf(kind, random)), more: objectOf(kind, random) })
  })

const operationsOf = (object: Record<string, unknown>): unknown[] => {
  const keys = Object.keys(object)
  return [
    { op: 'add', path: '/x', value: { list: [1, 2, 3], __proto__x: null } },
    { op: 'add', path: '/x/list/1', value: object },
    { op: 'copy', from: `/${keys[0] ?? 'x'}`, path: '/x/list/-' },
    { op: 'move', from: '/x/list/0', path: '/x/moved' },
    { op: 'replace', path: '/x/moved', value: [[]] },
    { op: 'test', path: '/x/moved', value: [[]] },
    { op: 'remove', path: '/x/moved' },
  ]
}

export const jsonPatch: Target = {
  name: 'json-patch',
  seeds: (random) => pairs(random, operationsOf),
  words: [
    '/x/list/0',
    '/x/list/-',
    '/x',
    '/',
    '',
    '/metadata',
    '/spec',
    'add',
    'remove',
    'replace',
    'move',
    'copy',
    'test',
    '/-1',
    '/__proto__',
  ],
  run: (input) => {
    const pair = pairOf(input)
    if (!pair) return 'no pair'
    return untouched(pair, () => {
      const operations = decodeJsonPatch(pair.patch)
      const wanted = operations.length < 200 ? patchedByRfc(pair.object, operations) : undefined
      if (wanted === undefined) return applied(applyJsonPatch(pair.object, operations))
      const got = applyJsonPatch(pair.object, operations)
      must(sameJson(got, wanted), 'the result is not that of RFC 6902')
      return applied(got)
    })
  },
}
const applied = (value: Json): string => `applied ${isJsonObject(value) ? Math.min(Object.keys(value).length, 20) : typeof value}`

export const mergePatch: Target = {
  name: 'merge-patch',
  seeds: (random) => pairs(random, (object, next) => createMergePatch(object as JsonObject, next as JsonObject)),
  run: (input) => {
    const pair = pairOf(input)
    if (!pair) return 'no pair'
    return untouched(pair, () => {
      const got = applyMergePatch(pair.object, pair.patch)
      must(sameJson(got, mergedByRfc(pair.object, pair.patch)), 'the result is not that of RFC 7386')
      return applied(got)
    })
  },
}

/** Random objects may lack merge keys, which have no difference. */
const diffOf = (kind: Kind, object: JsonObject, next: JsonObject): JsonObject => {
  try {
    return createStrategicMergePatch(object, next, patchSchemaOf(kind))
  } catch {
    return next
  }
}

const directives = [
  '$patch',
  'delete',
  'replace',
  'merge',
  '$retainKeys',
  '$setElementOrder/containers',
  '$deleteFromPrimitiveList/finalizers',
]
export const strategicPatch: Target = {
  name: 'strategic-merge-patch',
  seeds: (random) => [
    ...pairs(random, (_, next) => next),
    ...sampleKinds.map((kind) => {
      const [object, next] = [objectOf(kind, random), objectOf(kind, random)] as [JsonObject, JsonObject]
      return bytesOf({ kind: kind.kind, object, patch: diffOf(kind, object, next), more: next })
    }),
    bytesOf({
      kind: 'Pod',
      object: { metadata: { finalizers: ['a', 'b'] }, spec: { containers: [{ name: 'a', image: 'x' }, { name: 'b' }], tolerations: [] } },
      patch: {
        metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], $retainKeys: ['finalizers'] },
        spec: {
          '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }],
          containers: [{ name: 'a', $patch: 'delete' }, { name: 'c' }],
        },
      },
      more: { spec: { $patch: 'replace' } },
    }),
  ],
  words: directives,
  run: (input) => {
    const pair = pairOf(input)
    if (!pair || !isJsonObject(pair.patch)) return 'no pair'
    const { object, patch, more } = pair
    const schema = patchSchemaOf(kindOf(pair))
    return untouched(pair, () => {
      must(sameJson(applyStrategicMergePatch(object, {}, schema), object), 'an empty patch changes the object')
      const got = applyStrategicMergePatch(object, patch, schema)
      if (isJsonObject(more)) outcomeOf(() => applied(createStrategicMergePatch(object, more, schema)))
      return applied(got)
    })
  },
}

const kindOf = ({ kind }: Pair) => sampleKinds.find((each) => each.kind === kind) ?? kindNamed('Pod')

export const applyPatch: Target = {
  name: 'apply-patch',
  seeds: (random) => pairs(random, (_, next) => next),
  words: ['k:{"name":"a"}', 'f:spec', 'v:1', 'i:0', '.'],
  run: (input) => {
    const pair = pairOf(input)
    if (!pair || !isJsonObject(pair.patch)) return 'no pair'
    const kind = kindOf(pair)
    const type = typedOfKind(kind)
    const versions: Versions = { typeOf: () => type, convert: (value) => value, ignored: () => noFields }
    const { object, patch, more } = pair
    return untouched(pair, () => {
      outcomeOf(() => String(encodeSortedJson(encodeFields(decodeFields(isJsonObject(more) ? more : {}))).length))
      const faults = [object, patch, more].flatMap((each) => typeFaults(type, each))
      if (faults.length > 0) return `faults ${faults[0]?.replace(/[\d"'].*/, '').slice(0, 50)}`
      const change = (holdings: Holdings, manager: string) => ({ versions, apiVersion: kind.apiVersion, holdings, manager })
      const first = applyConfiguration(change(new Map(), 'a'), object, patch, false)
      const live = first.object ?? object
      const second = applyConfiguration(change(first.holdings, 'a'), live, patch, false)
      must(second.object === undefined, 'the same configuration again changes something')
      if (isJsonObject(more)) outcomeOf(() => String(applyConfiguration(change(second.holdings, 'b'), live, more, true).holdings.size))
      const without = applyConfiguration(change(second.holdings, 'a'), live, {}, true)
      must(!without.holdings.has('a'), 'who applies nothing holds something')
      return `${applied(live)} ${isJsonArray(live)}`
    })
  },
}
