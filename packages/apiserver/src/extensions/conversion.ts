import type { Conversion } from '@skiff/api'
import { encodeJson, type KubeObject } from '@skiff/machinery'
import { PendingConversion } from '../registry/converting.ts'
import type { ReviewConversion } from './review-conversion.ts'

/** How a version's schema shapes objects that come from another version or from the store. */
export interface VersionShape {
  readonly apiVersion: string
  /** Without what the schema does not know. */
  readonly prune: (object: KubeObject) => KubeObject
  /** With the defaults of the schema. */
  readonly complete: (object: KubeObject) => KubeObject
}

const memoised = (convert: (object: KubeObject) => KubeObject): ((object: KubeObject) => KubeObject) => {
  const known = new WeakMap<KubeObject, KubeObject>()
  return (object) => {
    const held = known.get(object)
    if (held) return held
    const made = convert(object)
    known.set(object, made)
    return made
  }
}

/** Versions differ in name alone, and in what their schemas know. */
export const noneConversion = (own: VersionShape, storedShape: VersionShape): Conversion => ({
  toStored: (object) => storedShape.complete(storedShape.prune({ ...object, apiVersion: storedShape.apiVersion })),
  fromStored: memoised((object) => own.prune({ ...object, apiVersion: own.apiVersion })),
})

/** How many answers are kept for objects that are made anew each time they are asked about. */
const mostKept = 64

/**
 * Conversion by a webhook. Answers are known by the object they are for; those about values that are worked out again and again, as the
 * ownership of fields does, by their text.
 */
export const webhookConversion = (review: ReviewConversion, own: VersionShape, storedShape: VersionShape): Conversion => {
  const shapes = { stored: storedShape, served: own }
  const known = { stored: new WeakMap<KubeObject, KubeObject>(), served: new WeakMap<KubeObject, KubeObject>() }
  const byText = new Map<string, KubeObject>()
  const keyOf = (to: 'stored' | 'served', object: KubeObject) => `${to} ${encodeJson(object)}`
  const finish = (to: 'stored' | 'served', object: KubeObject): KubeObject => {
    const pruned = shapes[to].prune(object)
    return to === 'stored' ? shapes[to].complete(pruned) : pruned
  }
  const prepare: Conversion['prepare'] = async (objects, to) => {
    const unknown = objects.filter((object) => !known[to].has(object))
    if (unknown.length === 0) return
    const converted = await review(unknown, shapes[to].apiVersion)
    unknown.forEach((object, index) => {
      known[to].set(object, finish(to, converted[index] as KubeObject))
    })
  }
  const answerOf = (to: 'stored' | 'served', object: KubeObject): KubeObject => {
    const held = known[to].get(object) ?? (byText.size > 0 ? byText.get(keyOf(to, object)) : undefined)
    if (held) return held
    throw new PendingConversion(async () => {
      await (prepare as NonNullable<Conversion['prepare']>)([object], to)
      if (byText.size >= mostKept) byText.clear()
      byText.set(keyOf(to, object), known[to].get(object) as KubeObject)
    })
  }
  return {
    prepare,
    toStored: (object) => answerOf('stored', object),
    fromStored: (object) => answerOf('served', object),
  }
}
