import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dumpYaml, isRefusal, type JsonObject } from '@skiff/machinery'
import { type Dynamic, mapAt, withAt } from '../objects/fields.ts'
import { type Info, targetOf } from '../objects/info.ts'
import { readInfos } from '../objects/manifests.ts'
import { fileFlags, selectedBy } from '../objects/select.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'
import { planApply } from './apply.ts'

/** The object without what kubectl's diff does not show, and with a Secret's values hidden. */
const shown = (object: JsonObject | undefined, showManaged: boolean): JsonObject | undefined => {
  if (!object || showManaged) return object
  return withAt(object, 'metadata.managedFields', undefined)
}

/** Hides a Secret's values, telling apart only those that differ. */
const masked = (before: JsonObject | undefined, after: JsonObject | undefined): [JsonObject | undefined, JsonObject | undefined] => {
  if ((before ?? after)?.kind !== 'Secret') return [before, after]
  const [old, next] = [mapAt(before, 'data'), mapAt(after, 'data')]
  const hide = (object: JsonObject | undefined, side: 'before' | 'after'): JsonObject | undefined => {
    if (!object) return object
    const data = Object.fromEntries(
      Object.entries(mapAt(object, 'data')).map(([key]) => {
        const both = Object.hasOwn(old, key) && Object.hasOwn(next, key)
        return [key, both && old[key] !== next[key] ? `*** (${side})` : '***']
      }),
    )
    return Object.keys(data).length > 0 ? { ...object, data } : object
  }
  return [hide(before, 'before'), hide(after, 'after')]
}

/** What the server would make of the manifest. */
const merged = async ({ session, flags }: Invocation, info: Info, live: Dynamic | undefined): Promise<JsonObject> => {
  const { client } = await session.connect()
  const query = {
    dryRun: 'All',
    fieldManager: flags.text('field-manager') || (flags.bool('server-side') ? 'kubectl' : 'kubectl-client-side-apply'),
  }
  if (flags.bool('server-side'))
    return (await client.patch(info.resource, targetOf(info), 'apply', info.object, {
      query: { ...query, ...(flags.bool('force-conflicts') ? { force: 'true' } : {}) },
    })) as Dynamic
  if (!live) return (await client.create(info.resource, info.object as Dynamic, undefined, { query })) as Dynamic
  const { patch, type } = planApply(info, live, false)
  return (await client.patch(info.resource, targetOf(info), type, patch, { query })) as Dynamic
}

const fileName = ({ resource, namespace, name }: Info): string =>
  [...(resource.group ? [resource.group] : []), resource.version, resource.kind, namespace, name].join('.')

/** Runs KUBECTL_EXTERNAL_DIFF or `diff -u -N`; gives its exit code. */
const runDiff = ({ session }: Invocation, from: string, to: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const words = (session.deps.variables.KUBECTL_EXTERNAL_DIFF ?? '').split(' ').filter((word) => /^[a-zA-Z0-9_=./-]+$/.test(word))
    const [command = 'diff', ...args] = words.length > 0 ? words : ['diff', '-u', '-N']
    const child = spawn(command, [...args, from, to], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.pipe(session.deps.stdout, { end: false })
    child.stderr.pipe(session.deps.stderr, { end: false })
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'ENOENT' ? new UsageError(`failed to run ${JSON.stringify(command)}: executable file not found in $PATH`) : error,
      ),
    )
    child.on('close', (code) => resolve(code ?? 2))
  })

export const diff: Verb = {
  usage: '-f FILENAME',
  failsWith: 2,
  flags: [
    ...fileFlags,
    ...['selector|l:string', 'server-side:bool', 'force-conflicts:bool', 'field-manager:string', 'show-managed-fields:bool'],
    ...['prune:bool', 'prune-allowlist:array', 'concurrency:int=1'],
  ],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    if (args.length > 0) throw new UsageError(`Unexpected args: [${args.join(' ')}]`, 1, true)
    if (flags.list('filename').length === 0) throw new UsageError('must specify one of -f and -k')
    const [from, to] = ['LIVE-', 'MERGED-'].map((name) => mkdtempSync(join(tmpdir(), name))) as [string, string]
    try {
      const { client } = await session.connect()
      for (const info of selectedBy(flags, await readInfos(session, flags.list('filename'), { recursive: flags.bool('recursive') }))) {
        const live = (await client.get(info.resource, targetOf(info)).catch((error) => {
          if (isRefusal(error, 404)) return undefined
          throw error
        })) as Dynamic | undefined
        const after = await merged(invocation, info, live)
        const managed = flags.bool('show-managed-fields')
        const [before, next] = masked(shown(live, managed), shown(after, managed))
        // kubectl compares a Secret that is not there as a null, any other object as an empty file.
        if (before || next?.kind === 'Secret') writeFileSync(join(from, fileName(info)), dumpYaml(before ?? null))
        else writeFileSync(join(from, fileName(info)), '')
        if (next) writeFileSync(join(to, fileName(info)), dumpYaml(next))
      }
      return await runDiff(invocation, from, to)
    } finally {
      for (const dir of [from, to]) rmSync(dir, { recursive: true, force: true })
    }
  },
}
