import { type Json, type JsonObject, sortedKeys } from '@skiff/machinery'
import { type Dynamic, listAt, mapAt, textAt } from '../objects/fields.ts'
import { selectObjects } from '../objects/select.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'
import { resolveVariable } from './env-values.ts'
import { changeObjects, nameMatches, setFlags, withContainers, withPodSpec } from './pod-spec.ts'
import { divideWords, resourcesNeeded, splitPair } from './words.ts'

const nameText = '[-._a-zA-Z][-._a-zA-Z0-9]*'
const setting = new RegExp(`^${nameText}(?:=[\\s\\S]*|-)$`)

interface Wishes {
  readonly set: readonly JsonObject[]
  readonly remove: readonly string[]
}

const readWishes = (texts: readonly string[]): Wishes => {
  const set: JsonObject[] = []
  const remove: string[] = []
  const seen = new Set<string>()
  for (const text of texts) {
    if (text.endsWith('-') && !text.includes('=')) {
      remove.push(text.slice(0, -1))
      continue
    }
    if (!setting.test(text)) throw new UsageError(`${JSON.stringify(text)} is not a valid key name`)
    const [name, value] = splitPair(text)
    seen.add(name)
    set.push({ name, ...(value === '' ? {} : { value }) })
  }
  const both = remove.find((name) => seen.has(name))
  if (both !== undefined) throw new UsageError('can not both modify and remove the same environment variable in the same command')
  return { set, remove }
}

/** A key of a config map as the name of a variable. */
const variableName = (key: string): string => key.replaceAll(/[^a-zA-Z0-9_]/g, '_').toUpperCase()

/** The variables that refer to the keys of a secret or config map. */
const referring = async ({ session, flags }: Invocation, from: string): Promise<JsonObject[]> => {
  const keys = flags.list('keys')
  const infos = await selectObjects(session, {
    flags: { ...flags, list: (name) => (name === 'filename' ? [] : flags.list(name)) },
    words: [from],
  })
  return infos.flatMap(({ object, name }) => {
    const source =
      (object as Dynamic).kind === 'Secret' ? 'secretKeyRef' : (object as Dynamic).kind === 'ConfigMap' ? 'configMapKeyRef' : undefined
    if (!source) throw new UsageError('unsupported resource specified in --from')
    return sortedKeys(mapAt(object, 'data'))
      .filter((key) => keys.length === 0 || keys.includes(key))
      .map((key) => {
        if (variableName(key) !== key) session.complain(`Warning: key ${key} transferred to ${variableName(key)}`)
        return { name: variableName(key), valueFrom: { [source]: { key, name } } }
      })
  })
}

const merged = (held: readonly JsonObject[], { set, remove }: Wishes): JsonObject[] => {
  const wanted = new Map(set.map((each) => [textAt(each, 'name'), each]))
  const kept = held.filter((each) => !remove.includes(textAt(each, 'name')))
  const names = new Set(kept.map((each) => textAt(each, 'name')))
  return [
    ...kept.map((each) => wanted.get(textAt(each, 'name')) ?? each),
    ...[...wanted].filter(([name]) => !names.has(name)).map(([, each]) => each),
  ]
}

const refuseOverwrite = (held: readonly JsonObject[], set: readonly JsonObject[]): void => {
  for (const { name } of set) {
    const old = held.find((each) => each.name === name)
    if (old) throw new UsageError(`'${name}' already has a value (${textAt(old, 'value')}), and --overwrite is false`)
  }
}

const listVariables = async (invocation: Invocation, object: Dynamic, containers: readonly JsonObject[]): Promise<number> => {
  const { session, flags } = invocation
  let failed = 0
  for (const container of containers) {
    const unresolved = new Map<string, string[]>()
    session.say(`# ${object.kind} ${object.metadata.name}, container ${textAt(container, 'name')}`)
    for (const variable of listAt(container, 'env')) {
      const shown = await resolveVariable(session, object, container, variable, flags.bool('resolve'))
      session.say(shown.line)
      if (shown.error) unresolved.set(shown.error, [...(unresolved.get(shown.error) ?? []), textAt(variable, 'name')])
    }
    const lines = [...unresolved].map(([error, names]) => `error retrieving reference for ${names.sort().join(', ')}: ${error}`)
    for (const line of lines.sort()) session.complain(line)
    failed += lines.length
  }
  return failed
}

const containersKey = 'containers'
const containerLists = ['initContainers', containersKey]

export const env: Verb = {
  usage: 'RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N',
  flags: [
    ...setFlags,
    ...[
      'containers|c:string=*',
      'from:string',
      'prefix:string',
      'env|e:array',
      'keys:list',
      'list:bool',
      'resolve:bool',
      'overwrite:bool=true',
    ],
  ],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const { words, settings } = divideWords(args, 'environment', (word) => setting.test(word) || word === '-')
    const from = flags.text('from')
    if (words.length === 0 && flags.list('filename').length === 0) throw new UsageError(resourcesNeeded)
    if (flags.bool('list') && flags.text('output')) throw new UsageError('--list and --output may not be specified together')
    if (flags.list('keys').length > 0 && !from)
      throw new UsageError('when specifying --keys, a configmap or secret must be provided with --from')
    const piped = settings.includes('-') ? (await readAll(session.deps.stdin)).split('\n').filter((text) => text !== '') : []
    const said = readWishes([...flags.list('env'), ...settings.filter((text) => text !== '-'), ...piped])
    const all = [...said.set, ...(from ? await referring(invocation, from) : [])]
    const prefix = flags.text('prefix') ?? ''
    const wishes = { remove: said.remove, set: all.map((each): JsonObject => ({ ...each, name: `${prefix}${each.name}` as Json })) }
    const pattern = flags.text('containers') ?? '*'
    const change = (object: Dynamic): Dynamic =>
      withPodSpec(object, (spec) => {
        const selected = containerLists.flatMap((key) => listAt(spec, key)).filter((container) => nameMatches(container, pattern))
        if (selected.length === 0)
          session.complain(
            `Warning: ${object.kind}/${object.metadata.name} does not have any containers matching ${JSON.stringify(pattern)}`,
          )
        return containerLists.reduce(
          (changed, key) =>
            withContainers(changed, key, (container) => {
              if (!nameMatches(container, pattern)) return container
              if (!flags.bool('overwrite')) refuseOverwrite(listAt(container, 'env'), wishes.set)
              const next = merged(listAt(container, 'env'), wishes)
              return next.length === 0 && container.env === undefined ? container : { ...container, env: next }
            }),
          spec,
        )
      })
    if (flags.bool('list')) {
      let failed = 0
      for (const { object } of await selectObjects(session, { flags, words, read: !flags.bool('local') })) {
        const after = change(object as Dynamic)
        let spec: JsonObject = {}
        withPodSpec(after, (found) => {
          spec = found
          return found
        })
        const order = [containersKey, 'initContainers'].flatMap((key) => listAt(spec, key))
        failed += await listVariables(
          invocation,
          after,
          order.filter((container) => nameMatches(container, pattern)),
        )
      }
      if (failed > 0) throw new UsageError('failed to retrieve valueFrom references')
      return 0
    }
    return changeObjects(invocation, {
      words,
      done: 'env updated',
      failed: 'failed to patch env update to pod template:',
      next: change,
    })
  },
}

const readAll = async (stream: AsyncIterable<Buffer | string>): Promise<string> => {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}
