import type { PatchType } from '@skiff/client'
import { createThreeWayMergePatch, createThreeWayStrategicPatch, dumpYaml, isRefusal, type Json, type JsonObject } from '@skiff/machinery'
import { applyOnServer } from '../apply/on-server.ts'
import { withSource } from '../error-text.ts'
import type { Flags } from '../flags.ts'
import { type Dynamic, mapAt, textAt, withAt } from '../objects/fields.ts'
import { type Info, targetOf } from '../objects/info.ts'
import { hasLastApplied, lastApplied, withLastApplied } from '../objects/last-applied.ts'
import { readInfos } from '../objects/manifests.ts'
import { patchSchemaFor } from '../objects/patch-schema.ts'
import { fileFlags, selectedBy } from '../objects/select.ts'
import { dryRunOf, onePrinter, report, writeFlags, writeQuery } from '../objects/writing.ts'
import { listOf } from '../print/printer.ts'
import type { Session } from '../session.ts'
import { forEachKept, UsageError } from '../usage-error.ts'
import type { Invocation, Verb, VerbGroup } from '../verb.ts'

export { patchSchemaFor } from '../objects/patch-schema.ts'

const manager = 'kubectl-client-side-apply'

const applyVerb: Verb = {
  usage: '(-f FILENAME | -k DIRECTORY)',
  flags: [
    ...fileFlags,
    ...writeFlags,
    'selector|l:string',
    'server-side:bool',
    'force-conflicts:bool',
    'overwrite:bool=true',
    'prune:bool',
    'all:bool',
    'force:bool',
    'wait:bool',
    'cascade:string?background=background',
    'grace-period:int=-1',
    'timeout:duration=0s',
    'openapi-patch:bool=true',
  ],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    if (args.length > 0) throw new UsageError(`Unexpected args: [${args.join(' ')}]\nSee 'kubectl apply -h' for help and examples`)
    if (flags.list('filename').length === 0) throw new UsageError('must specify one of -f and -k')
    if (flags.bool('prune')) throw new UsageError('--prune is not supported')
    if (flags.bool('server-side') && dryRunOf(flags) === 'client')
      throw new UsageError("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
    const infos = selectedBy(flags, await readInfos(session, flags.list('filename'), { recursive: flags.bool('recursive') }))
    if (infos.length === 0) throw new UsageError('no objects passed to apply')
    await forEachKept(infos, async (info) => {
      if (!info.name && !textAt(info.object, 'metadata.generateName'))
        throw new UsageError(`${retrieving(info)}: resource name may not be empty`)
      if (!info.name) throw new UsageError(`from ${textAt(info.object, 'metadata.generateName')}: cannot use generate name with apply`)
      if (flags.bool('server-side')) tell(session, flags, info, await applyOnServer(invocation, info), 'serverside-applied')
      else await applyHere(invocation, info)
    })
    printWhole(session, flags)
    return 0
  },
}

const whole = new WeakMap<Session, Dynamic[]>()

/** Objects that are wanted whole are kept until all are applied, and printed as one List. */
const tell = (session: Session, flags: Flags, info: Info, object: JsonObject, operation: string): void => {
  const output = flags.text('output')
  if (!output || output === 'name') report(session, flags, info, object, operation)
  else whole.set(session, [...(whole.get(session) ?? []), object as Dynamic])
}

const printWhole = (session: Session, flags: Flags): void => {
  const objects = whole.get(session) ?? []
  const printer = onePrinter(session, flags.text('output') ?? '', flags.bool('show-managed-fields'))
  if (printer && objects.length > 0)
    session.write(printer(objects.length === 1 ? (objects[0] as Dynamic) : { ...listOf(objects), metadata: {} }))
}

const withAnnotations = (object: JsonObject): JsonObject => withAt(object, 'metadata.annotations', mapAt(object, 'metadata.annotations'))

/** The three-way patch from the last applied file and the live object to this file, and how it is to be sent. */
export const planApply = (info: Info, live: JsonObject, annotate = true): { readonly patch: JsonObject; readonly type: PatchType } => {
  // A diff leaves the annotation alone, as kubectl's does.
  const modified = annotate ? withLastApplied(info.object as JsonObject) : withAnnotations(info.object as JsonObject)
  const original = lastApplied(live) ?? {}
  const schema = patchSchemaFor(info.resource)
  return schema
    ? { type: 'strategic', patch: createThreeWayStrategicPatch(original, modified, live, schema) }
    : { type: 'merge', patch: createThreeWayMergePatch(original, modified, live) }
}

const applyHere = async (invocation: Invocation, info: Info, tries = 5): Promise<void> => {
  const { session, flags } = invocation
  const { client } = await session.connect()
  const query = writeQuery(flags, manager)
  const live = await client.get(info.resource, targetOf(info)).catch((error) => {
    if (isRefusal(error, 404)) return undefined
    throw withSource(error, retrieving(info))
  })
  if (!live) return create(invocation, info)
  if (!hasLastApplied(live as Dynamic))
    session.complain(
      `Warning: resource ${info.resource.plural}/${info.name} is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.`,
    )
  const { patch, type } = planApply(info, live as Dynamic)
  if (dryRunOf(flags) === 'client') return tell(session, flags, info, live as Dynamic, 'configured')
  if (Object.keys(patch).length === 0) return tell(session, flags, info, live as Dynamic, 'unchanged')
  try {
    const object = (await client.patch(info.resource, targetOf(info), type, patch, { query })) as Dynamic
    tell(session, flags, info, object, 'configured')
  } catch (error) {
    if (isRefusal(error, 409) && tries > 1) return applyHere(invocation, info, tries - 1)
    throw withSource(
      error,
      `error when applying patch:\n${JSON.stringify(patch)}\nto:\n${describeTarget(info)}\nfor: ${JSON.stringify(info.source)}: error when patching ${JSON.stringify(info.source)}`,
    )
  }
}

const describeTarget = ({ resource, name, namespace }: Info): string =>
  `Resource: "${gvr(resource)}, Resource=${resource.plural}", GroupVersionKind: "${gvr(resource)}, Kind=${resource.kind}"\nName: ${JSON.stringify(name)}, Namespace: ${JSON.stringify(namespace)}`
const gvr = ({ group, version }: { group: string; version: string }): string => (group === '' ? `/${version}` : `${group}/${version}`)
const retrieving = (info: Info): string =>
  `error when retrieving current configuration of:\n${describeTarget(info)}\nfrom server for: ${JSON.stringify(info.source)}`

const create = async ({ session, flags }: Invocation, info: Info): Promise<void> => {
  const { client } = await session.connect()
  const object = withLastApplied(info.object as JsonObject)
  if (dryRunOf(flags) === 'client') return tell(session, flags, info, object, 'created')
  const created = await client
    .create(info.resource, object as Dynamic, undefined, { query: writeQuery(flags, manager) })
    .catch((error) => Promise.reject(withSource(error, `error when creating ${JSON.stringify(info.source)}`)))
  tell(session, flags, info, created as Dynamic, 'created')
}

const viewLastApplied: Verb = {
  usage: '(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)',
  flags: [...fileFlags, 'selector|l:string', 'all:bool', 'output|o:string=yaml'],
  run: async ({ session, flags, args }) => {
    const { selectObjects } = await import('../objects/select.ts')
    for (const { object } of await selectObjects(session, { flags, words: args })) {
      const last = lastApplied(object as JsonObject)
      if (last) session.write(flags.text('output') === 'json' ? `${JSON.stringify(last, null, '  ')}\n` : dumpYaml(last))
    }
    return 0
  },
}

const setLastApplied: Verb = {
  usage: '-f FILENAME',
  flags: [...fileFlags, ...writeFlags, 'create-annotation:bool'],
  run: async ({ session, flags }) => {
    const { client } = await session.connect()
    for (const info of await readInfos(session, flags.list('filename'))) {
      const live = (await client.get(info.resource, targetOf(info))) as Dynamic
      if (!flags.bool('create-annotation') && !hasLastApplied(live))
        throw new UsageError(
          `no last-applied-configuration annotation found on resource: ${info.name}, to create the annotation, run the command with --create-annotation`,
        )
      const key = ['metadata', 'annotations', 'kubectl.kubernetes.io/last-applied-configuration']
      const patch = withAt({}, key, textAt(withLastApplied(info.object as JsonObject), key) as Json)
      report(session, flags, info, (await client.patch(info.resource, targetOf(info), 'merge', patch)) as Dynamic, 'configured')
    }
    return 0
  },
}

export const apply: VerbGroup = {
  alone: applyVerb,
  parts: { 'view-last-applied': viewLastApplied, 'set-last-applied': setLastApplied },
}
