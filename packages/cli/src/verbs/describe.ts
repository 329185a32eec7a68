import { isRefusal } from '@skiff/machinery'
import { describerOf } from '../describe/describers.ts'
import { printLines } from '../describe/lines.ts'
import { type Look, lookThrough } from '../describe/look.ts'
import type { Dynamic } from '../objects/fields.ts'
import type { Info } from '../objects/info.ts'
import { fileFlags, listAll, readResourceWords, selectFlags, selectObjects, throwMissing } from '../objects/select.ts'
import { ManyErrors, UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'

const textOf = async ({ resource, object }: Info, look: Look): Promise<string> => {
  const typed = { ...object, apiVersion: resource.apiVersion, kind: resource.kind } as Dynamic
  return printLines(await describerOf(resource)(typed, look))
}

/** A name that is no object's may be the beginning of some: all of those are described then. */
const describeBegun = async ({ session, args }: Invocation, look: Look, missing: unknown): Promise<void> => {
  const [word = '', beginning = ''] = args
  const [named] = await readResourceWords(session, [word])
  if (!named) throw missing
  const { namespace } = await session.connect()
  const objects = await listAll(session, named.resource, named.resource.namespaced ? namespace : '', {})
  const found = objects.filter((object) => object.metadata.name.startsWith(beginning))
  if (found.length === 0) throw missing
  for (const object of found)
    session.say(
      await textOf({ resource: named.resource, name: object.metadata.name, namespace: object.metadata.namespace ?? '', object }, look),
    )
}

const describeAll = async ({ session, flags }: Invocation, infos: readonly Info[], look: Look): Promise<void> => {
  const errors: unknown[] = []
  let printed = 0
  for (const info of infos)
    try {
      const text = await textOf(info, look)
      session.write(printed++ === 0 ? text : `\n\n${text}`)
    } catch (error) {
      errors.push(error)
    }
  if (infos.length === 0) {
    const { namespace } = await session.connect()
    session.complain(flags.bool('all-namespaces') ? 'No resources found' : `No resources found in ${namespace} namespace.`)
  }
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new ManyErrors(errors)
  throwMissing(infos)
}

export const describe: Verb = {
  usage: '(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)',
  flags: [
    ...fileFlags,
    ...selectFlags.filter((flag) => !flag.startsWith('field-selector') && flag !== 'all:bool'),
    'show-events:bool=true',
    'chunk-size:int=500',
  ],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    if (args.length === 0 && flags.list('filename').length === 0 && !flags.text('kustomize'))
      throw new UsageError(
        'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.',
      )
    const look = await lookThrough(session, { showEvents: flags.bool('show-events'), pageSize: flags.int('chunk-size') ?? 500 })
    const byName = args.length === 2 && !args[0]?.includes('/')
    let infos: readonly Info[]
    try {
      infos = await selectObjects(session, { flags, words: args, allByDefault: true })
    } catch (error) {
      if (!byName || !isRefusal(error, 404)) throw error
      await describeBegun(invocation, look, error)
      return 0
    }
    await describeAll(invocation, infos, look)
    return 0
  },
}
