import { isRefusal } from '@skiff/machinery'
import { type Dynamic, numberAt } from '../objects/fields.ts'
import { targetOf } from '../objects/info.ts'
import { fileFlags, needSomething, selectFlags, selectObjects, throwMissing } from '../objects/select.ts'
import { dryRunOf, patchQuery, report, writeFlags } from '../objects/writing.ts'
import { forEachKept, UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'
import { waitUntil } from '../wait/wait-until.ts'

export const scale: Verb = {
  usage: '[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)',
  flags: [
    ...fileFlags,
    ...selectFlags,
    ...writeFlags,
    'replicas:int',
    'current-replicas:int=-1',
    'resource-version:string',
    'timeout:duration=0s',
  ],
  required: ['replicas'],
  run: async ({ session, flags, args }) => {
    const replicas = flags.int('replicas')
    if (args.length === 0 && flags.list('filename').length === 0) throw new UsageError(needSomething)
    if (replicas === undefined || replicas < 0)
      throw new UsageError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0')
    const { client } = await session.connect()
    const infos = await selectObjects(session, { flags, words: args }).catch((error: Error) => {
      throw isRefusal(error) ? new UsageError(`no objects passed to scale ${error.message}`) : error
    })
    if (infos.length === 0) throw new UsageError('no objects passed to scale')
    await forEachKept(infos, async (info) => {
      const asked = flags.int('current-replicas') ?? -1
      const current = numberAt(info.object, 'spec.replicas')
      if (asked >= 0 && current !== asked) throw new UsageError(`Expected replicas to be ${asked}, was ${current}`)
      const version = flags.text('resource-version')
      const held = (info.object as Dynamic).metadata.resourceVersion
      if (version && version !== held) throw new UsageError(`Expected resource version to be ${version}, was ${held}`)
      if (dryRunOf(flags) !== 'client') {
        const body = { spec: { replicas } }
        await client.patch(info.resource, { ...targetOf(info), subresource: 'scale' }, 'merge', body, {
          query: patchQuery(flags, 'kubectl'),
        })
      }
      report(session, flags, info, info.object as Dynamic, 'scaled')
      const timeoutMs = flags.durationMs('timeout') ?? 0
      if (timeoutMs > 0) await waitUntil(session, info, timeoutMs, (object) => numberAt(object, 'status.replicas') === replicas)
    })
    throwMissing(infos)
    return 0
  },
}
