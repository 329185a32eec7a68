import { type JsonObject, rfc3339 } from '@skiff/machinery'
import { templateLines } from '../describe/template.ts'
import { at, type Dynamic, mapAt, textAt, withAt } from '../objects/fields.ts'
import { fullName, type Info, kindName, targetOf } from '../objects/info.ts'
import { fileFlags, selectObjects, throwMissing } from '../objects/select.ts'
import { dryRunOf, patchQuery, report, writeFlags } from '../objects/writing.ts'
import { printerOf } from '../print/printer.ts'
import { alignTabs, describeTabs } from '../print/tab-writer.ts'
import { matchesRevision, type Revision, revisionsOf } from '../rollout/revisions.ts'
import { rolloutStatus } from '../rollout/status.ts'
import { forEachKept, UsageError } from '../usage-error.ts'
import type { Invocation, Verb, VerbGroup } from '../verb.ts'
import { waitUntil } from '../wait/wait-until.ts'

const usage = '(TYPE NAME | TYPE/NAME) [flags]'

const objectsOf = async ({ session, flags, args }: Invocation): Promise<Info[]> => {
  if (args.length === 0 && flags.list('filename').length === 0) throw new UsageError('required resource not specified')
  return selectObjects(session, { flags, words: args, allByDefault: true })
}

const resourceName = ({ resource: { plural, group } }: Info): string => (group === '' ? plural : `${plural}.${group}`)

/** A pod template as rollout shows it: its tabs stay. */
const rawTemplate = (template: JsonObject): string =>
  templateLines(template)
    .map((line) => `${line}\n`)
    .join('')

/** The template of a revision with the cause of its change. */
const withCause = ({ shown, cause, object }: Revision): JsonObject =>
  cause === '' || object.kind !== 'ReplicaSet' ? shown : withAt(shown, ['metadata', 'annotations', 'kubernetes.io/change-cause'], cause)

const status: Verb = {
  usage,
  flags: [...fileFlags, 'watch|w:bool=true', 'revision:int=0', 'timeout:duration=0s', 'selector|l:string'],
  run: async (invocation) => {
    const { session, flags } = invocation
    const timeoutMs = flags.durationMs('timeout') ?? 0
    for (const info of await objectsOf(invocation)) {
      let said = ''
      const tell = (object: Dynamic | undefined): boolean => {
        if (!object) throw new UsageError('object has been deleted')
        const { text, done } = rolloutStatus(info.resource.kind, object, flags.int('revision') ?? 0)
        if (text !== said) session.say(text)
        said = text
        return done || !flags.bool('watch')
      }
      await waitUntil(session, info, timeoutMs > 0 ? timeoutMs : 168 * 3_600_000, tell).catch((error: Error) => {
        throw /^timed out waiting/.test(error.message) ? new UsageError('timed out waiting for the condition') : error
      })
    }
    return 0
  },
}

const history: Verb = {
  usage,
  flags: [...fileFlags, 'revision:int=0', 'output|o:string', 'show-managed-fields:bool', 'selector|l:string'],
  run: async (invocation) => {
    const { session, flags } = invocation
    const printer = printerOf(flags.text('output'), { showManagedFields: flags.bool('show-managed-fields') })
    const infos = await objectsOf(invocation)
    await forEachKept(infos, async (info) => {
      const revisions = await revisionsOf(session, info.object as Dynamic, 'history viewer')
      const wanted = flags.int('revision') ?? 0
      const found = revisions.filter(({ number }) => wanted === 0 || number === wanted)
      if (wanted > 0 && found.length === 0) throw new UsageError('unable to find the specified revision')
      if (printer) session.write(found.map(({ object }) => printer(object)).join(''))
      else if (wanted > 0)
        session.write(`${fullName(info.resource, info.name)} with revision #${wanted}\n${rawTemplate(withCause(found[0] as Revision))}\n`)
      else {
        const rows = revisions.map(({ number, cause }) => `${number}\t${cause || '<none>'}`)
        const table = alignTabs(['REVISION\tCHANGE-CAUSE', ...rows].join('\n'), describeTabs)
        session.write(`${fullName(info.resource, info.name)} \n${table}\n\n`)
      }
    })
    throwMissing(infos)
    return 0
  },
}

/** Told by the controllers and by apply; a roll back leaves the Deployment's own. */
const keptAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/revision',
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.deployment.rollback.to',
])

/** The revision's template, and its annotations, the cause of the change among them. */
const backTo = (deployment: Dynamic, revision: Revision): JsonObject[] => {
  const own = Object.entries(mapAt(deployment, 'metadata.annotations')).filter(([key]) => keptAnnotations.has(key))
  const brought = Object.entries(mapAt(revision.object, 'metadata.annotations')).filter(([key]) => !keptAnnotations.has(key))
  return [
    { op: 'replace', path: '/spec/template', value: revision.template },
    { op: 'replace', path: '/metadata/annotations', value: Object.fromEntries([...own, ...brought]) },
  ]
}

const undo: Verb = {
  usage,
  flags: [...fileFlags, ...writeFlags, 'to-revision:int=0', 'selector|l:string'],
  run: async (invocation) => {
    const { session, flags } = invocation
    const { client } = await session.connect()
    await forEachKept(await objectsOf(invocation), async (info) => {
      const object = info.object as Dynamic
      if (object.kind === 'Deployment' && at(object, 'spec.paused') === true)
        throw new UsageError("you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again")
      const revisions = await revisionsOf(session, object, 'rollbacker')
      const asked = flags.int('to-revision') ?? 0
      const found = asked === 0 ? revisions.at(-2) : revisions.find(({ number }) => number === asked)
      if (!found)
        throw new UsageError(
          asked === 0
            ? `no rollout history found for ${kindName(info.resource).split('.')[0]} ${JSON.stringify(info.name)}`
            : `unable to find specified revision ${asked} in history`,
        )
      const body = object.kind === 'Deployment' ? backTo(object, found) : found.patch
      const type = object.kind === 'Deployment' ? 'json' : 'strategic'
      if (dryRunOf(flags) === 'client') {
        const text = rawTemplate(found.shown)
        report(session, flags, info, object, object.kind === 'Deployment' ? text : `will roll back to ${text}`)
      } else if (matchesRevision(object, found))
        report(session, flags, info, object, `skipped rollback (current template already matches revision ${asked})`)
      else {
        await client.patch(info.resource, targetOf(info), type, body, { query: patchQuery(flags, 'kubectl-rollout') })
        report(session, flags, info, object, 'rolled back')
      }
    })
    return 0
  },
}

/** A verb that patches each workload, unless `already` tells why not. */
const patching = (
  done: string,
  patchOf: (object: Dynamic, nowMs: number) => JsonObject,
  refuse: (object: Dynamic, name: string) => string | undefined,
): Verb => ({
  usage,
  flags: [...fileFlags, ...writeFlags.filter((flag) => !flag.startsWith('dry-run')), 'selector|l:string'],
  run: async (invocation) => {
    const { session, flags } = invocation
    const { client } = await session.connect()
    await forEachKept(await objectsOf(invocation), async (info) => {
      const object = info.object as Dynamic
      const why = refuse(object, `${resourceName(info)} ${JSON.stringify(info.name)}`)
      // Also where several are told, which otherwise lack it.
      if (why) throw new UsageError(`error: ${why}`)
      const patch = patchOf(object, session.env.now())
      const after = await client.patch(info.resource, targetOf(info), 'strategic', patch, { query: patchQuery(flags, 'kubectl-rollout') })
      report(session, flags, info, after as Dynamic, done)
    })
    return 0
  },
})

const templated = new Set(['Deployment', 'DaemonSet', 'StatefulSet'])
const isPaused = (object: Dynamic): boolean => textAt(object, 'spec.paused') === 'true'

export const rollout: VerbGroup = {
  parts: {
    status,
    history,
    undo,
    restart: patching(
      'restarted',
      (_object, nowMs) => ({ spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': rfc3339(nowMs) } } } } }),
      (object, name) =>
        !templated.has(object.kind)
          ? `${name} restarting is not supported`
          : isPaused(object)
            ? `${name} can't restart paused deployment (run rollout resume first)`
            : undefined,
    ),
    pause: patching(
      'paused',
      () => ({ spec: { paused: true } }),
      (object, name) =>
        object.kind !== 'Deployment' ? `${name} pausing is not supported` : isPaused(object) ? `${name} is already paused` : undefined,
    ),
    resume: patching(
      'resumed',
      () => ({ spec: { paused: null } }),
      (object, name) =>
        object.kind !== 'Deployment' ? `${name} resuming is not supported` : isPaused(object) ? undefined : `${name} is not paused`,
    ),
  },
}
