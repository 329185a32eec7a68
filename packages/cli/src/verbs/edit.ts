import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  createThreeWayMergePatch,
  createThreeWayStrategicPatch,
  dumpYaml,
  encodeSortedJson,
  isRefusal,
  type JsonObject,
  loadYaml,
} from '@skiff/machinery'
import { editText } from '../edit/editor.ts'
import { headerOf, isBlank, type Reason, sameText, withoutComments } from '../edit/text.ts'
import { type Dynamic, listAt, textAt, withAt } from '../objects/fields.ts'
import { type Info, targetOf } from '../objects/info.ts'
import { withLastApplied } from '../objects/last-applied.ts'
import { fileFlags, selectFlags, selectObjects } from '../objects/select.ts'
import { report, writeFlags, writeQuery } from '../objects/writing.ts'
import { nothingNamed } from '../set/words.ts'
import { SilentExit, UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'
import { patchSchemaFor } from './apply.ts'

const resourceName = ({ resource: { plural, group } }: Info): string => (group === '' ? plural : `${plural}.${group}`)
const removeFile = (file: string): void => rmSync(dirname(file), { recursive: true, force: true })

/** The file for the editor: the object, or all as a List. */
const fileText = (infos: readonly Info[], output: string): string => {
  const bare = infos.map(({ object }) => withAt(object as Dynamic, 'metadata.managedFields', undefined))
  const whole: JsonObject = bare.length === 1 ? (bare[0] as JsonObject) : { apiVersion: 'v1', items: bare, kind: 'List', metadata: {} }
  return output === 'json' ? `${encodeSortedJson(whole, '    ')}\n` : dumpYaml(whole)
}

const objectsOf = (text: string): readonly Dynamic[] => {
  const value = loadYaml(text).value as JsonObject
  return textAt(value, 'kind') === 'List' ? (listAt(value, 'items') as readonly Dynamic[]) : [value as Dynamic]
}

/** What came of one round of patches. */
interface Outcome {
  readonly reasons: readonly Reason[]
  readonly again: number
  readonly missing: number
}

const judge = (error: unknown, info: Info): { readonly said: string } & Outcome => {
  const name = `${resourceName(info)} ${JSON.stringify(info.name)}`
  if (isRefusal(error, 422)) {
    const causes = (error.status.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`)
    return { said: `error: ${name} is invalid`, reasons: [{ head: `${name} was not valid`, causes }], again: 0, missing: 0 }
  }
  if (isRefusal(error, 404)) return { said: `error: ${name} could not be found on the server`, reasons: [], again: 0, missing: 1 }
  if (!isRefusal(error)) throw error
  return { said: `error: ${name} could not be patched: ${error.message}`, reasons: [], again: 1, missing: 0 }
}

const patchOne = async ({ session, flags }: Invocation, info: Info, edited: Dynamic): Promise<void> => {
  const before = info.object as Dynamic
  if (edited.apiVersion !== before.apiVersion || edited.kind !== before.kind || edited.metadata?.name !== before.metadata.name)
    throw new UsageError('At least one of apiVersion, kind and name was changed')
  const bare = withAt(before, 'metadata.managedFields', undefined)
  const after = flags.bool('save-config') ? withLastApplied(edited) : edited
  const schema = patchSchemaFor(info.resource)
  const patch = schema ? createThreeWayStrategicPatch(bare, after, bare, schema) : createThreeWayMergePatch(bare, after, bare)
  if (Object.keys(patch).length === 0) return report(session, flags, info, before, 'skipped')
  if (flags.bool('output-patch')) session.say(`Patch: ${JSON.stringify(patch)}`)
  const { client } = await session.connect()
  const subresource = flags.text('subresource')
  const target = { ...targetOf(info), ...(subresource ? { subresource } : {}) }
  const made = await client.patch(info.resource, target, schema ? 'strategic' : 'merge', patch, {
    query: writeQuery(flags, 'kubectl-edit'),
  })
  report(session, flags, info, made as Dynamic, 'edited')
}

const patchAll = async (invocation: Invocation, infos: readonly Info[], objects: readonly Dynamic[]): Promise<Outcome> => {
  let [reasons, again, missing]: [readonly Reason[], number, number] = [[], 0, 0]
  for (const edited of objects) {
    const info = infos.find(({ object }) => object?.metadata.uid === edited.metadata?.uid)
    if (!info) throw new UsageError(`no original object found for ${JSON.stringify(edited)}`)
    try {
      await patchOne(invocation, info, edited)
    } catch (error) {
      const found = judge(error, info)
      invocation.session.complain(found.said)
      reasons = [...reasons, ...found.reasons]
      again += found.again
      missing += found.missing
    }
  }
  return { reasons, again, missing }
}

/** Opens the editor until what comes back is accepted or unchanged. */
const editAll = async (invocation: Invocation, infos: readonly Info[], output: 'json' | 'yaml'): Promise<void> => {
  const { session } = invocation
  const original = fileText(infos, output)
  let [body, reasons]: [string, readonly Reason[]] = [original, []]
  let last: { readonly text: string; readonly file: string } | undefined
  const keep = (file: string, error: unknown): never => {
    session.complain(`A copy of your changes has been stored to ${JSON.stringify(file)}`)
    throw error
  }
  for (;;) {
    const edited = await editText(session, (output === 'json' ? '' : headerOf(reasons)) + body, `.${output}`)
    const { text, file } = edited
    if (reasons.length > 0 && last && sameText(last.text, text)) keep(file, new UsageError('Edit cancelled, no valid changes were saved.'))
    if (last) removeFile(last.file)
    last = edited
    if (sameText(original, text)) return cancelled(invocation, file, 'Edit cancelled, no changes made.')
    body = withoutComments(text)
    let objects: readonly Dynamic[]
    try {
      if (isBlank(text)) throw new Error('invalid object to validate')
      objects = objectsOf(text)
    } catch (error) {
      const name = `${resourceName(infos[0] as Info)} ${JSON.stringify(infos[0]?.name)}`
      session.complain(`error: ${name} is invalid`)
      reasons = [
        {
          head: `${name} was not valid`,
          causes: [`<nil>: Invalid value: "The edited file failed validation": ${(error as Error).message}`],
        },
      ]
      continue
    }
    const outcome = await patchAll(invocation, infos, objects).catch((error) => keep(file, error))
    if (outcome.again > 0)
      session.complain(`You can run \`${session.deps.name ?? 'kubectl'} replace -f ${file}\` to try this update again.`)
    else if (outcome.missing > 0) session.complain(`The edits you made on deleted resources have been saved to ${JSON.stringify(file)}`)
    if (outcome.again + outcome.missing > 0) throw new SilentExit(1)
    if (outcome.reasons.length === 0) return removeFile(file)
    reasons = outcome.reasons
  }
}

const cancelled = ({ session }: Invocation, file: string, text: string): void => {
  removeFile(file)
  session.complain(text)
}

export const edit: Verb = {
  usage: '(RESOURCE/NAME | -f FILENAME)',
  flags: [
    ...fileFlags,
    ...selectFlags.filter((flag) => flag.startsWith('selector') || flag.startsWith('all:')),
    ...writeFlags,
    ...['output-patch:bool', 'subresource:string', 'windows-line-endings:bool'],
  ],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    if (args.length === 0 && flags.list('filename').length === 0) throw new UsageError(nothingNamed)
    const infos = await selectObjects(session, { flags, words: args, allByDefault: true })
    if (infos.length === 0) throw new UsageError('edit cancelled, no objects found')
    await editAll(invocation, infos, flags.text('output') === 'json' ? 'json' : 'yaml')
    return 0
  },
}
