import { isLabelValue, type Json, type JsonObject } from '@skiff/machinery'
import { type Dynamic, mapAt } from '../objects/fields.ts'
import { type Info, targetOf } from '../objects/info.ts'
import { fileFlags, selectFlags, selectObjects, throwMissing } from '../objects/select.ts'
import { dryRunOf, patchQuery, report, writeFlags } from '../objects/writing.ts'
import { forEachKept, UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'

interface Sort {
  readonly field: 'labels' | 'annotations'
  readonly one: 'label' | 'annotation'
  readonly done: 'labeled' | 'annotated'
  readonly undone: 'unlabeled' | 'annotated'
  readonly unchanged: 'not labeled' | 'annotated'
}

interface Wishes {
  readonly set: ReadonlyMap<string, string>
  readonly remove: readonly string[]
}

/** Divides resources from `key=value` and `key-`. */
const divide = (args: readonly string[], one: string): { readonly words: readonly string[]; readonly wishes: Wishes } => {
  const isWish = (word: string) => /^[^=]+=/.test(word) || (word.endsWith('-') && word.length > 1)
  const first = args.findIndex(isWish)
  const words = first < 0 ? args : args.slice(0, first)
  const set = new Map<string, string>()
  const remove: string[] = []
  for (const word of first < 0 ? [] : args.slice(first)) {
    const equals = word.indexOf('=')
    if (equals > 0) {
      const value = word.slice(equals + 1)
      const [wrong] = one === 'label' ? isLabelValue(value) : []
      if (wrong) throw new UsageError(`invalid label value: ${JSON.stringify(word)}: ${wrong}`)
      set.set(word.slice(0, equals), value)
    } else if (word.endsWith('-')) remove.push(word.slice(0, -1))
    else throw new UsageError(`all resources must be specified before ${one} changes: ${word}`)
  }
  for (const key of remove)
    if (set.has(key))
      throw new UsageError(`can not both modify and remove ${one === 'label' ? 'a label' : 'an annotation'} in the same command`)
  return { words, wishes: { set, remove } }
}

const verbOf = (sort: Sort): Verb => ({
  usage: '[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]',
  flags: [...fileFlags, ...selectFlags, ...writeFlags, 'overwrite:bool', 'list:bool', 'local:bool', 'resource-version:string'],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const { words, wishes } = divide(args, sort.one)
    if (words.length === 0 && flags.list('filename').length === 0)
      throw new UsageError('one or more resources must be specified as <resource> <name> or <resource>/<name>')
    if (wishes.set.size + wishes.remove.length === 0 && !flags.bool('list'))
      throw new UsageError(`at least one ${sort.one} update is required`)
    const infos = await selectObjects(session, { flags, words })
    await forEachKept(infos, (info) => change(invocation, sort, wishes, info))
    throwMissing(infos)
    return 0
  },
})

const refuseOverwrites = (sort: Sort, set: Wishes['set'], held: ReturnType<typeof mapAt>): void => {
  // Why a rollout came to be is said anew with each.
  const taken = [...set].filter(([key, value]) => Object.hasOwn(held, key) && held[key] !== value && key !== 'kubernetes.io/change-cause')
  const said = taken.map(([key]) => `'${key}' already has a value (${held[key]})`)
  if (said.length === 0) return
  throw new UsageError(
    sort.field === 'labels'
      ? `${said[0]}, and --overwrite is false`
      : `--overwrite is false but found the following declared annotation(s): ${said.join('; ')}`,
  )
}

const change = async ({ session, flags }: Invocation, sort: Sort, { set, remove }: Wishes, info: Info): Promise<void> => {
  const before = info.object as Dynamic
  const held = mapAt(before, ['metadata', sort.field])
  if (!flags.bool('overwrite')) refuseOverwrites(sort, set, held)
  if (sort.field === 'labels')
    for (const key of remove) if (!Object.hasOwn(held, key)) session.say(`label ${JSON.stringify(key)} not found.`)
  const values: Record<string, Json> = Object.fromEntries([
    ...set,
    ...remove.filter((key) => Object.hasOwn(held, key)).map((key): [string, Json] => [key, null]),
  ])
  const changed = Object.entries(values).some(([key, value]) => held[key] !== value)
  const said = changed ? (set.size > 0 ? sort.done : sort.undone) : sort.unchanged
  const version = flags.text('resource-version')
  const body = { metadata: { ...(version ? { resourceVersion: version } : {}), [sort.field]: values } }
  if (flags.bool('list')) {
    for (const [key, value] of Object.entries({ ...held, ...values })) if (value !== null) session.say(`${key}=${value}`)
    if (Object.keys(values).length === 0) return
  }
  if (dryRunOf(flags) === 'client' || flags.bool('local') || (!changed && sort.field === 'labels')) {
    const merged = Object.fromEntries(Object.entries({ ...held, ...values }).filter(([, value]) => value !== null))
    report(session, flags, info, { ...before, metadata: { ...before.metadata, [sort.field]: merged } } as unknown as JsonObject, said, {
      apart: true,
    })
    return
  }
  const { client } = await session.connect()
  const after = await client.patch(info.resource, targetOf(info), 'merge', body, {
    query: patchQuery(flags, sort.one === 'label' ? 'kubectl-label' : 'kubectl-annotate'),
  })
  report(session, flags, info, after as Dynamic, said, { apart: true })
}

export const label = verbOf({ field: 'labels', one: 'label', done: 'labeled', undone: 'unlabeled', unchanged: 'not labeled' })
export const annotate = verbOf({ field: 'annotations', one: 'annotation', done: 'annotated', undone: 'annotated', unchanged: 'annotated' })
