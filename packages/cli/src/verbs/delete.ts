import { isRefusal, type JsonObject } from '@skiff/machinery'
import { withSource } from '../error-text.ts'
import { type Info, kindName, targetOf } from '../objects/info.ts'
import { fileFlags, selectFlags, selectObjects, throwMissing } from '../objects/select.ts'
import { dryRunOf } from '../objects/writing.ts'
import type { Session } from '../session.ts'
import { forEachKept, UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'
import { waitUntil } from '../wait/wait-until.ts'

export const remove: Verb = {
  usage: '([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])',
  flags: [
    ...fileFlags,
    ...selectFlags,
    'cascade:string?background=background',
    'grace-period:int=-1',
    'now:bool',
    'force:bool',
    'wait:bool=true',
    'timeout:duration=0s',
    'ignore-not-found:bool',
    'output|o:string',
    'dry-run:string?unchanged=none',
    'interactive|i:bool',
    'raw:string',
  ],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    if (flags.bool('all-namespaces') && args.length > 1)
      throw new UsageError('a resource cannot be retrieved by name across all namespaces')
    const output = flags.text('output') ?? ''
    if (output !== '' && output !== 'name') throw new UsageError(`unexpected -o output mode: ${output}. We only support '-o name'`)
    if (args.length === 0 && flags.list('filename').length === 0 && !flags.bool('all'))
      throw new UsageError(
        "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'",
      )
    const { force, graceSeconds } = graceOf(invocation)
    const all = flags.bool('all') || flags.has('selector') || flags.has('field-selector')
    const infos = await selectObjects(session, { flags, words: args, read: false })
    if (infos.length === 0 && all) {
      if (!flags.bool('ignore-not-found')) session.say('No resources found')
      return 0
    }
    const gone: { info: Info; uid: string }[] = []
    const body: JsonObject = {
      propagationPolicy: policyOf(flags.text('cascade')),
      ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
    }
    await forEachKept(infos, async (info) => {
      const uid = await removeOne(invocation, info, body, force, all).catch((error) => {
        throw info.source ? withSource(error, `error when deleting ${JSON.stringify(info.source)}`) : error
      })
      if (uid !== undefined) gone.push({ info, uid })
    }).finally(async () => {
      if (flags.bool('wait') && dryRunOf(flags) === 'none')
        for (const { info, uid } of gone) await untilGone(session, info, uid, flags.durationMs('timeout') ?? 0)
    })
    throwMissing(infos)
    return 0
  },
}

const graceOf = ({ session, flags }: Invocation): { force: boolean; graceSeconds: number | undefined } => {
  const asked = flags.int('grace-period') ?? -1
  const force = flags.bool('force')
  if (flags.bool('now') && asked !== -1) throw new UsageError('--now and --grace-period cannot be specified together')
  if (force && asked > 0) throw new UsageError('--force and --grace-period greater than 0 cannot be specified together')
  if (force)
    session.complain(
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
    )
  if (flags.bool('now')) return { force, graceSeconds: 1 }
  if (force) return { force, graceSeconds: 0 }
  // Without --force a grace period of 0 becomes 1, so that the kubelet has its say.
  return { force, graceSeconds: asked < 0 ? undefined : Math.max(1, asked) }
}

const policyOf = (cascade: string | undefined): string => {
  switch (cascade) {
    case 'background':
    case 'true':
      return 'Background'
    case 'foreground':
      return 'Foreground'
    case 'orphan':
    case 'false':
      return 'Orphan'
    default:
      throw new UsageError(`invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`)
  }
}

/** Gives the uid of what was deleted, for waiting; undefined where there is nothing to wait for. */
const removeOne = async (
  { session, flags }: Invocation,
  info: Info,
  body: JsonObject,
  force: boolean,
  ignoreMissing: boolean,
): Promise<string | undefined> => {
  const { client } = await session.connect()
  const dryRun = dryRunOf(flags)
  const suffix = dryRun === 'none' ? '' : dryRun === 'client' ? ' (dry run)' : ' (server dry run)'
  const tell = () =>
    session.say(
      flags.text('output') === 'name'
        ? `${kindName(info.resource)}/${info.name}`
        : `${kindName(info.resource)} ${JSON.stringify(info.name)} ${force ? 'force deleted' : 'deleted'}${suffix}`,
    )
  try {
    if (dryRun === 'client') {
      await client.get(info.resource, targetOf(info))
      tell()
      return undefined
    }
    // Beside a body the query's options do not count.
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', ...body, ...(dryRun === 'server' ? { dryRun: ['All'] } : {}) }
    const reply = (await client.remove(info.resource, targetOf(info), options)) as {
      metadata?: { uid?: string }
      details?: { uid?: string }
    }
    tell()
    return reply.details?.uid ?? reply.metadata?.uid ?? ''
  } catch (error) {
    if (isRefusal(error, 404) && (flags.bool('ignore-not-found') || ignoreMissing)) return undefined
    throw error
  }
}

const untilGone = async (session: Session, info: Info, uid: string, timeoutMs: number): Promise<void> => {
  await waitUntil(
    session,
    info,
    timeoutMs === 0 ? 168 * 3_600_000 : timeoutMs,
    (object) => object === undefined || (uid !== '' && object.metadata.uid !== uid),
  )
}
