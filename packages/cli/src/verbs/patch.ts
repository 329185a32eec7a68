import { readFileSync } from 'node:fs'
import type { PatchType } from '@skiff/client'
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch, type JsonObject, loadYaml } from '@skiff/machinery'
import type { Dynamic } from '../objects/fields.ts'
import { targetOf } from '../objects/info.ts'
import { patchSchemaFor } from '../objects/patch-schema.ts'
import { fileFlags, selectObjects, throwMissing } from '../objects/select.ts'
import { dryRunOf, patchQuery, report, writeFlags } from '../objects/writing.ts'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'

export const patch: Verb = {
  usage: '(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]',
  flags: [...fileFlags, ...writeFlags, 'patch|p:string', 'patch-file:string', 'type:string=strategic', 'local:bool', 'subresource:string'],
  run: async ({ session, flags, args }) => {
    const [text, file] = [flags.text('patch'), flags.text('patch-file')]
    if (!text && !file) throw new UsageError('must specify --patch or --patch-file containing the contents of the patch')
    const type = (flags.text('type') ?? 'strategic').toLowerCase()
    if (!['json', 'merge', 'strategic'].includes(type))
      throw new UsageError(`--type must be one of [json merge strategic], not ${JSON.stringify(type)}`)
    let body: JsonObject
    try {
      body = loadYaml(file ? readFileSync(file, 'utf8') : (text as string)).value as JsonObject
    } catch (error) {
      throw new UsageError(`unable to parse ${JSON.stringify(text)}: ${(error as Error).message}`)
    }
    const { client } = await session.connect()
    const infos = await selectObjects(session, { flags, words: args })
    if (infos.length === 0) throw new UsageError('no objects passed to patch')
    const subresource = flags.text('subresource')
    for (const info of infos) {
      const before = info.object as Dynamic
      if (dryRunOf(flags) === 'client' || flags.bool('local')) {
        const schema = patchSchemaFor(info.resource)
        const next =
          type === 'json'
            ? applyJsonPatch(before, body as never)
            : schema && type === 'strategic'
              ? applyStrategicMergePatch(before, body, schema)
              : applyMergePatch(before, body)
        report(session, flags, info, next as JsonObject, 'patched')
        continue
      }
      const target = { ...targetOf(info), ...(subresource ? { subresource } : {}) }
      const after = (await client.patch(info.resource, target, type as PatchType, body, {
        query: patchQuery(flags, 'kubectl-patch'),
      })) as Dynamic
      report(
        session,
        flags,
        info,
        after,
        dryRunOf(flags) === 'none' && after.metadata.resourceVersion === before.metadata.resourceVersion
          ? 'patched (no change)'
          : 'patched',
        { silentDryRun: dryRunOf(flags) === 'server', apart: true },
      )
    }
    throwMissing(infos)
    return 0
  },
}
