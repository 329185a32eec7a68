import { createThreeWayStrategicPatch, type JsonObject, splitApiVersion } from '@skiff/machinery'
import { at, type Dynamic, listAt, mapAt, textAt, withAt } from '../objects/fields.ts'
import { type Info, targetOf } from '../objects/info.ts'
import { fileFlags, selectFlags, selectObjects, throwMissing } from '../objects/select.ts'
import { dryRunOf, patchQuery, report, writeFlags } from '../objects/writing.ts'
import { ManyErrors, UsageError } from '../usage-error.ts'
import type { Invocation } from '../verb.ts'
import { patchSchemaFor } from '../verbs/apply.ts'

export const setFlags = [...fileFlags, ...selectFlags.filter((flag) => !flag.startsWith('field-selector')), ...writeFlags, 'local:bool']

const templated = new Set(['Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet', 'ReplicationController', 'Job'])

const specPath = (object: Dynamic): string => {
  if (object.kind === 'Pod') return 'spec'
  if (object.kind === 'CronJob') return 'spec.jobTemplate.spec.template.spec'
  if (templated.has(object.kind)) return 'spec.template.spec'
  throw new UsageError(
    `the object is not a pod or does not have a pod template: *${splitApiVersion(object.apiVersion).version}.${object.kind}`,
  )
}

/** The object with another pod spec. */
export const withPodSpec = (object: Dynamic, change: (spec: JsonObject) => JsonObject): Dynamic => {
  const path = specPath(object)
  return withAt(object, path, change(mapAt(object, path))) as Dynamic
}

/** The spec with its containers of a list changed, where there are any. */
export const withContainers = (spec: JsonObject, key: string, change: (container: JsonObject) => JsonObject): JsonObject =>
  at(spec, key) === undefined ? spec : { ...spec, [key]: listAt(spec, key).map(change) }

/** A name against a pattern with `*`. */
export const matchesName = (name: string, pattern: string): boolean => {
  const parts = pattern.split('*')
  if (parts.length === 1) return name === pattern
  const [first = '', ...rest] = parts
  const last = rest.pop() as string
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false
  let here = first.length
  for (const part of rest) {
    const found = name.indexOf(part, here)
    if (found < 0) return false
    here = found + part.length
  }
  return here <= name.length - last.length
}
export const nameMatches = (container: JsonObject, pattern: string): boolean => matchesName(textAt(container, 'name'), pattern)

export interface Change {
  readonly words: readonly string[]
  /** `image updated` */
  readonly done: string
  /** What a refused patch is told with. */
  readonly failed: string
  /** True: an unchanged object is sent and told too. */
  readonly always?: boolean
  /** True: what it cannot do is told without the object's name. */
  readonly bare?: boolean
  /** The changed object. What it cannot do goes to `errors`. */
  next(object: Dynamic, errors: unknown[]): Dynamic
}

/** Reads objects, changes each and patches what differs, as all the `set` verbs do. */
export const changeObjects = async (invocation: Invocation, change: Change): Promise<number> => {
  const { session, flags } = invocation
  const local = flags.bool('local')
  if (local && dryRunOf(flags) === 'server')
    throw new UsageError('cannot specify --local and --dry-run=server - did you mean --dry-run=client?')
  if (local && change.words.length > 0)
    throw new UsageError(
      "error: you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'",
    )
  const infos = await selectObjects(session, { flags, words: change.words, read: !local })
  const errors: unknown[] = []
  for (const info of infos)
    try {
      await changeOne(invocation, change, info, errors)
    } catch (error) {
      errors.push(error)
    }
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new ManyErrors(errors)
  throwMissing(infos)
  return 0
}

const changeOne = async ({ session, flags }: Invocation, change: Change, info: Info, errors: unknown[]): Promise<void> => {
  const before = info.object as Dynamic
  let after: Dynamic
  try {
    after = change.next(before, errors)
  } catch (error) {
    if (change.bare) throw error
    throw new UsageError(`error: ${info.resource.plural}/${info.name} ${(error as Error).message}`)
  }
  const schema = patchSchemaFor(info.resource)
  if (!schema) throw new UsageError('the object is not a pod or does not have a pod template')
  const patch = createThreeWayStrategicPatch(before, after, before, schema)
  if (Object.keys(patch).length === 0 && !change.always) return
  if (flags.bool('local') || dryRunOf(flags) === 'client') return report(session, flags, info, after, change.done)
  const { client } = await session.connect()
  const actual = await client
    .patch(info.resource, targetOf(info), 'strategic', patch, { query: patchQuery(flags, 'kubectl-set') })
    .catch((error: Error) => {
      throw change.failed === '' ? error : new UsageError(`${change.failed} ${error.message}`)
    })
  report(session, flags, info, actual as Dynamic, change.done)
}
