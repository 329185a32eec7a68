import { isRefusal, type JsonObject } from '@skiff/machinery'
import { withSource } from '../error-text.ts'
import { type Dynamic, textAt, withAt } from '../objects/fields.ts'
import { kindName, targetOf } from '../objects/info.ts'
import { hasLastApplied, withLastApplied } from '../objects/last-applied.ts'
import { readInfos } from '../objects/manifests.ts'
import { fileFlags } from '../objects/select.ts'
import { dryRunOf, report, writeFlags, writeQuery } from '../objects/writing.ts'
import { forEachKept, UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'
import { waitUntil } from '../wait/wait-until.ts'

export const replace: Verb = {
  usage: '-f FILENAME',
  flags: [
    ...fileFlags,
    ...writeFlags,
    'force:bool',
    'cascade:string?background=background',
    'grace-period:int=-1',
    'timeout:duration=0s',
    'subresource:string',
    'raw:string',
    'wait:bool',
  ],
  run: async ({ session, flags }) => {
    if (flags.list('filename').length === 0) throw new UsageError('must specify one of -f and -k')
    const { client } = await session.connect()
    const query = writeQuery(flags, 'kubectl-replace')
    const infos = await readInfos(session, flags.list('filename'), { recursive: flags.bool('recursive') })
    await forEachKept(infos, async (info) => {
      try {
        if (flags.bool('force')) {
          const gone = await client.remove(info.resource, targetOf(info), { gracePeriodSeconds: 0 }).then(
            () => true,
            (error) => {
              if (isRefusal(error, 404)) return false
              throw error
            },
          )
          if (gone) session.say(`${kindName(info.resource)} ${JSON.stringify(info.name)} deleted`)
          await waitUntil(session, info, 300_000, (object) => object === undefined)
          report(
            session,
            flags,
            info,
            (await client.create(info.resource, info.object as Dynamic, undefined, { query })) as Dynamic,
            'replaced',
          )
          return
        }
        const live = (await client.get(info.resource, targetOf(info))) as Dynamic
        const kept =
          flags.bool('save-config') || hasLastApplied(live) ? withLastApplied(info.object as JsonObject) : (info.object as JsonObject)
        const version = textAt(kept, 'metadata.resourceVersion') || live.metadata.resourceVersion
        const next = withAt(kept, 'metadata.resourceVersion', version ?? '') as Dynamic
        const subresource = flags.text('subresource')
        const target = subresource ? { subresource } : undefined
        const made = dryRunOf(flags) === 'client' ? next : ((await client.update(info.resource, next, target, { query })) as Dynamic)
        report(session, flags, info, made, 'replaced')
      } catch (error) {
        throw withSource(error, `error when replacing ${JSON.stringify(info.source)}`)
      }
    })
    return 0
  },
}
