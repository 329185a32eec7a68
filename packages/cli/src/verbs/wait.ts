import { compileJsonPath, isRefusal, type Json, relaxJsonPath } from '@skiff/machinery'
import { type Dynamic, listAt } from '../objects/fields.ts'
import { fullName, type Info } from '../objects/info.ts'
import { fetchInfo, fileFlags, selectFlags, selectObjects, throwMissing } from '../objects/select.ts'
import type { Session } from '../session.ts'
import { forEachKept, UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'
import { waitUntil } from '../wait/wait-until.ts'

type Test = (object: Dynamic | undefined) => boolean

const conditionTest = (text: string): Test => {
  const [name = '', wanted = 'true'] = text.split('=')
  return (object) => {
    const condition = listAt(object, 'status.conditions').find(({ type }) => String(type).toLowerCase() === name.toLowerCase())
    // A condition that speaks of an older generation says nothing yet.
    const seen = Number(condition?.observedGeneration ?? listGeneration(object))
    return (
      condition !== undefined &&
      !(seen > 0 && seen < (object?.metadata.generation ?? 0)) &&
      String(condition.status).toLowerCase() === wanted.toLowerCase()
    )
  }
}
const listGeneration = (object: Dynamic | undefined): number => {
  const status = object?.status as { observedGeneration?: number } | undefined
  return status?.observedGeneration ?? 0
}

const jsonPathTest = (text: string): Test => {
  if (text === '') throw new UsageError('jsonpath expression cannot be empty')
  const match = /^(['"]?)(\{?[^}]*\}?)\1(?:=(['"]?)([\s\S]*)\3)?$/.exec(text)
  const expression = match?.[2] ?? ''
  const [path, inline] = expression.startsWith('{') ? [expression, match?.[4]] : splitPlain(text)
  const compiled = compileJsonPath(relaxJsonPath(path as string), { allowMissingKeys: true })
  return (object) => {
    if (!object) return false
    const found = compiled.find(object as unknown as Json).flat()
    if (found.length > 1) throw new UsageError('given jsonpath expression matches more than one value')
    const [value] = found
    if (value === undefined) return false
    if (inline === undefined) return true
    if (typeof value === 'object' && value !== null)
      throw new UsageError('jsonpath leads to a nested object or list which is not supported')
    return String(value) === inline
  }
}
const splitPlain = (text: string): [string, string | undefined] => {
  const equals = text.indexOf('=')
  return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)]
}

const testOf = (text: string): { readonly test: Test; readonly kind: 'delete' | 'create' | 'other' } => {
  if (text === 'delete') return { kind: 'delete', test: (object) => object === undefined }
  if (text === 'create') return { kind: 'create', test: (object) => object !== undefined }
  if (text.startsWith('condition=')) return { kind: 'other', test: conditionTest(text.slice(10)) }
  if (text.startsWith('jsonpath=')) return { kind: 'other', test: jsonPathTest(text.slice(9)) }
  throw new UsageError(`unrecognized condition: ${JSON.stringify(text)}`)
}

const exists = async (session: Session, info: Info): Promise<boolean> =>
  fetchInfo(session, info).then(
    () => true,
    (error) => {
      if (isRefusal(error, 404)) return false
      throw error
    },
  )

export const wait: Verb = {
  usage:
    "([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]",
  flags: [...fileFlags, ...selectFlags, 'for:array', 'timeout:duration=30s', 'output|o:string'],
  run: async ({ session, flags, args }) => {
    const wishes = flags.list('for')
    if (wishes.length === 0) throw new UsageError('unrecognized condition: ""')
    const tests = wishes.map(testOf)
    const gone = tests.some(({ kind }) => kind === 'delete')
    const early = gone || tests.some(({ kind }) => kind === 'create')
    const infos = await selectObjects(session, { flags, words: args, read: !early })
    if (infos.length === 0 && !gone) throw new UsageError('no matching resources found')
    // A negative time means a week.
    const asked = flags.durationMs('timeout') ?? 30_000
    const timeoutMs = asked < 0 ? 168 * 3_600_000 : asked
    const startedMs = session.env.monotonicMs()
    await forEachKept(infos, async (info: Info) => {
      if (gone && !(await exists(session, info))) return // as upstream: nothing is said of what was not there
      for (const { test, kind } of tests) {
        const leftMs = timeoutMs === 0 ? 0 : Math.max(1, timeoutMs - (session.env.monotonicMs() - startedMs))
        await waitUntil(session, info, leftMs, test).catch((error: Error) => {
          throw kind === 'create' && /^timed out/.test(error.message) ? new UsageError('timed out waiting for the condition') : error
        })
      }
      const name = fullName(info.resource, info.name)
      session.say(flags.text('output') === 'name' ? name : `${name} ${gone ? 'deleted' : 'condition met'}`)
    })
    throwMissing(infos)
    return 0
  },
}
