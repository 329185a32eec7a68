import { isQualifiedName, type JsonObject } from '@skiff/machinery'
import { type Dynamic, listAt } from '../objects/fields.ts'
import { type Info, targetOf } from '../objects/info.ts'
import { readResourceWords, selectFlags, selectObjects } from '../objects/select.ts'
import { dryRunOf, patchQuery, report, writeFlags } from '../objects/writing.ts'
import { forEachKept, UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'

interface Wish {
  readonly key: string
  readonly value: string
  /** '' where a removal means every effect. */
  readonly effect: string
  readonly remove: boolean
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
const hinted = (text: string) => new UsageError(text, 1, true)

/** `key=value:Effect`, `key:Effect`, `key:Effect-`, `key-`. */
const wishOf = (text: string): Wish => {
  const remove = text.endsWith('-')
  const body = remove ? text.slice(0, -1) : text
  const colon = body.indexOf(':')
  const [left, effect] = colon < 0 ? [body, ''] : [body.slice(0, colon), body.slice(colon + 1)]
  const [key = '', value = ''] = colon < 0 ? [left] : left.split('=')
  const problems = isQualifiedName(key)
  if (problems.length > 0) throw hinted(`invalid taint spec: ${body}, ${problems.join('; ')}`)
  if (effect !== '' && !effects.includes(effect)) throw hinted(`invalid taint effect: ${effect}, unsupported taint effect`)
  if (!remove && effect === '') throw hinted(`invalid taint spec: ${body}`)
  return { key, value, effect, remove }
}

const sameTaint = (taint: JsonObject, wish: Wish): boolean => taint.key === wish.key && (wish.effect === '' || taint.effect === wish.effect)
const taintOf = ({ key, value, effect }: Wish): JsonObject => ({ effect, key, ...(value ? { value } : {}) })

const refuseClashes = (wishes: readonly Wish[]): void => {
  const set = wishes.filter(({ remove }) => !remove)
  set.forEach((wish, i) => {
    if (set.slice(0, i).some((other) => other.key === wish.key && other.effect === wish.effect))
      throw hinted(`duplicated taints with the same key and effect: {${wish.key} ${wish.value} ${wish.effect} <nil>}`)
  })
  const clash = wishes.filter(({ remove }) => remove).flatMap((gone) => set.filter((wish) => sameTaint(taintOf(wish), gone)))
  if (clash.length > 0)
    throw new UsageError(
      `can not both modify and remove the following taint(s) in the same command: ${clash.map(({ key, effect }) => `${key}=${effect}`).join(', ')}`,
    )
}

/** The node's taints after the wishes: new ones first, then what stays in its order; and what kubectl calls it. */
const planTaints = (info: Info, wishes: readonly Wish[], overwrite: boolean): { taints: JsonObject[]; done: string } => {
  const old = listAt(info.object, 'spec.taints')
  const [gone, set] = [wishes.filter(({ remove }) => remove), wishes.filter(({ remove }) => !remove)]
  const clash = set.filter((wish) => old.some((taint) => sameTaint(taint, wish)))
  if (clash.length > 0 && !overwrite)
    throw new UsageError(
      `node ${info.name} already has ${clash.map(({ key }) => key).join(',')} taint(s) with same effect(s) and --overwrite is false`,
    )
  const all = [...set.map(taintOf), ...old.filter((taint) => !set.some((wish) => sameTaint(taint, wish)))]
  const added = all.length !== old.length
  for (const wish of gone)
    if (!all.some((taint) => sameTaint(taint, wish)))
      throw new UsageError(`taint ${JSON.stringify(wish.effect ? `${wish.key}:${wish.effect}` : wish.key)} not found`)
  const taints = all.filter((taint) => !gone.some((wish) => sameTaint(taint, wish)))
  const done = (added && gone.length > 0) || overwrite ? 'modified' : added ? 'tainted' : 'untainted'
  return { taints, done }
}

const refuseOthers = async ({ session }: Invocation, words: readonly string[]): Promise<void> => {
  for (const { resource } of await readResourceWords(session, words))
    if (resource.plural !== 'nodes' || resource.group !== '')
      throw new UsageError(`invalid resource type ${words[0]?.split('/')[0]}, only node types are supported`)
}

export const taint: Verb = {
  usage: 'NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N',
  flags: [...selectFlags, ...writeFlags, 'overwrite:bool'],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const first = args.findIndex((word) => /[=:]/.test(word) || (word.endsWith('-') && word.length > 1))
    const words = first < 0 ? args : args.slice(0, first)
    if (words.length === 0) throw new UsageError('one or more resources must be specified as <resource> <name>')
    const wishes = (first < 0 ? [] : args.slice(first)).map(wishOf)
    if (wishes.length === 0) throw new UsageError('at least one taint update is required')
    refuseClashes(wishes)
    await refuseOthers(invocation, words)
    const { client } = await session.connect()
    await forEachKept(await selectObjects(session, { flags, words }), async (info) => {
      const { taints, done } = planTaints(info, wishes, flags.bool('overwrite'))
      const body = { spec: { taints: taints.length > 0 ? taints : null } }
      const query = patchQuery(flags, 'kubectl-taint')
      const after = dryRunOf(flags) === 'client' ? info.object : await client.patch(info.resource, targetOf(info), 'merge', body, { query })
      report(session, flags, info, after as Dynamic, done, { silentDryRun: true, apart: true })
    })
    return 0
  },
}
