import type { JsonObject } from '@skiff/machinery'
import { type Dynamic, listAt } from '../objects/fields.ts'
import { targetOf } from '../objects/info.ts'
import { selectFlags, selectObjects } from '../objects/select.ts'
import { dryRunOf, patchQuery, report, writeFlags } from '../objects/writing.ts'
import { forEachKept, UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'

interface Wish {
  readonly key: string
  readonly value: string
  readonly effect: string
  readonly remove: boolean
}

/** `key=value:Effect`, `key:Effect`, `key:Effect-`, `key-`. */
const wishOf = (text: string): Wish => {
  const remove = text.endsWith('-')
  const body = remove ? text.slice(0, -1) : text
  const [left = '', effect = ''] = body.split(':')
  const [key = '', value = ''] = left.split('=')
  if (!remove && !['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect))
    throw new UsageError(effect === '' ? `invalid taint spec: ${text}` : `invalid taint effect: ${effect}, unsupported taint effect`)
  return { key, value, effect, remove }
}

export const taint: Verb = {
  usage: 'NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N',
  flags: [...selectFlags, ...writeFlags, 'overwrite:bool'],
  run: async ({ session, flags, args }) => {
    const first = args.findIndex((word) => /[=:]/.test(word) || (word.endsWith('-') && word.length > 1))
    const [words, wishes] = [first < 0 ? args : args.slice(0, first), (first < 0 ? [] : args.slice(first)).map(wishOf)]
    if (wishes.length === 0) throw new UsageError('at least one taint update is required')
    const { client } = await session.connect()
    const infos = await selectObjects(session, { flags, words })
    await forEachKept(infos, async (info) => {
      let taints = [...listAt(info.object, 'spec.taints')]
      const same = (each: JsonObject, wish: Wish) => each.key === wish.key && (wish.effect === '' || each.effect === wish.effect)
      const [gone, kept] = [wishes.filter(({ remove }) => remove), wishes.filter(({ remove }) => !remove)]
      for (const wish of gone) {
        if (!taints.some((each) => same(each, wish)))
          throw new UsageError(`taint ${JSON.stringify(wish.effect ? `${wish.key}:${wish.effect}` : wish.key)} not found`)
        taints = taints.filter((each) => !same(each, wish))
      }
      for (const wish of kept) {
        if (taints.some((each) => same(each, wish)) && !flags.bool('overwrite'))
          throw new UsageError(`node ${info.name} already has ${wish.key} taint(s) with same effect(s) and --overwrite is false`)
        taints = [
          ...taints.filter((each) => !same(each, wish)),
          { effect: wish.effect, key: wish.key, ...(wish.value ? { value: wish.value } : {}) },
        ]
      }
      const body = { spec: { taints: taints.length > 0 ? taints : null } }
      const after =
        dryRunOf(flags) === 'client'
          ? info.object
          : await client.patch(info.resource, targetOf(info), 'merge', body, { query: patchQuery(flags, 'kubectl-taint') })
      report(
        session,
        flags,
        info,
        after as Dynamic,
        gone.length > 0 && kept.length === 0 ? 'untainted' : gone.length > 0 ? 'modified' : 'tainted',
      )
    })
    return 0
  },
}
