import type { KubeObject } from '@skiff/machinery'
import type { Fields } from '../file/fields.ts'
import type { Effect, Stage, StageEvent, StagePatch } from '../stages/stage.ts'
import { expressionFrom, readDelay } from './delay.ts'
import { kwokFunctions, type TemplateSurroundings } from './functions.ts'
import { readSelector } from './selector.ts'
import { compileTemplate, type Template } from './template.ts'

/** A stage of a file, and which objects it is for. */
export interface FileStage {
  /** Empty for the core group. */
  readonly group: string
  /** Where the file names one. */
  readonly version: string | undefined
  readonly kind: string
  readonly stage: Stage
}

/** One step of what a stage does; several follow one another. */
interface Step {
  readonly patch?: (object: KubeObject) => StagePatch
  readonly apply?: (object: KubeObject) => KubeObject
  readonly finalizers?: (object: KubeObject) => readonly string[]
  readonly event?: (object: KubeObject) => StageEvent
  readonly delete?: boolean
}

/** Compiles templates with kwok's functions, some of which ask for the object that is rendered. `name` stands in complaints. */
export const templatesOf = (name: string, around: TemplateSurroundings): ((source: string) => Template) => {
  let current: unknown
  const functions = kwokFunctions(around, () => current as never)
  return (source) => {
    const template = compileTemplate(source, name, functions)
    const within = <T>(object: unknown, act: () => T): T => {
      current = object
      return act()
    }
    return {
      text: (object) => within(object, () => template.text(object)),
      value: (object) => within(object, () => template.value(object)),
    }
  }
}

/** Reads a kwok Stage. `name` is its metadata's; throws a FileError or what an expression or a template gets wrong. */
export const readStage = (name: string, spec: Fields, around: TemplateSurroundings): FileStage => {
  const ref = spec.object('resourceRef') ?? spec.refuse('resourceRef', 'is missing')
  const kind = ref.text('kind') ?? ref.refuse('kind', 'is missing')
  const group = ref.text('apiGroup') ?? 'v1'
  // kwok writes a group and version here, as in apiVersion.
  const at = group.indexOf('/')
  const core = kind === 'Pod' || kind === 'Node'
  const compile = templatesOf(name, around)
  const steps = readSteps(spec, compile, core)
  const weight = spec.number('weight') ?? 0
  const weightFrom = expressionFrom(spec, 'weightFrom')
  const isImmediate = spec.flag('immediateNextStage') ?? false
  const delayMs = readDelay(spec.object('delay'))
  return {
    group: at >= 0 ? group.slice(0, at) : group === 'v1' ? '' : group,
    version: at >= 0 ? group.slice(at + 1) : undefined,
    kind,
    stage: {
      name,
      matches: readSelector(spec.object('selector')),
      weight: (object) => {
        const [found] = weightFrom?.(object) ?? []
        const number = found === undefined || found === null || found === '' ? Number.NaN : Number(found)
        return Number.isNaN(number) ? weight : number
      },
      ...(delayMs ? { delayMs } : {}),
      ...(isImmediate ? { isImmediate } : {}),
      next: (object) => effectOf(steps, object),
    },
  }
}

const readSteps = (spec: Fields, compile: (source: string) => Template, core: boolean): readonly Step[] => {
  const steps = spec.list('steps')
  if (steps.length > 0) return steps.map((step) => readStep(step, compile, core))
  const next = spec.object('next') ?? spec.refuse('next', 'is missing')
  const own = next.list('patches').map((patch) => ({ patch: readPatch(patch, compile, core) }))
  const template = next.text('statusTemplate')
  const { patch: _none, ...others } = readStep(next, compile, core)
  const status = template === undefined ? [] : [{ patch: next.reading('statusTemplate', () => statusPatch(next, template, compile, core)) }]
  const { delete: deletes, ...before } = others
  return [before, ...status, ...own, ...(deletes ? [{ delete: true }] : [])]
}

const readStep = (fields: Fields, compile: (source: string) => Template, core: boolean): Step => {
  const patch = fields.object('patch')
  const apply = fields.object('apply')
  const finalizers = fields.object('finalizers')
  const event = fields.object('event')
  return {
    ...(event ? { event: readEvent(event, compile) } : {}),
    ...(finalizers ? { finalizers: readFinalizers(finalizers) } : {}),
    ...(patch ? { patch: readPatch(patch, compile, core) } : {}),
    ...(apply ? { apply: readApply(apply, compile) } : {}),
    ...(fields.flag('delete') ? { delete: true } : {}),
  }
}

const readEvent = (event: Fields, compile: (source: string) => Template) => {
  const message = event.reading('message', () => compile(event.text('message') ?? ''))
  const type = event.text('type') === 'Warning' ? 'Warning' : 'Normal'
  const reason = event.text('reason') ?? ''
  return (object: KubeObject) => ({ type, reason, message: message.text(object) }) as const
}

const readFinalizers = (fields: Fields) => {
  const valuesOf = (name: string) => fields.list(name).map((each) => each.text('value') ?? each.refuse('value', 'is missing'))
  const [added, removed, isEmptied] = [valuesOf('add'), new Set(valuesOf('remove')), fields.flag('empty') === true]
  return ({ metadata }: KubeObject): readonly string[] => {
    const held = isEmptied ? [] : (metadata.finalizers ?? []).filter((each) => !removed.has(each))
    return [...held, ...added.filter((each) => !held.includes(each))]
  }
}

const types: readonly string[] = ['json', 'merge', 'strategic'] satisfies StagePatch['type'][]

const readPatch = (patch: Fields, compile: (source: string) => Template, core: boolean): ((object: KubeObject) => StagePatch) => {
  const template = patch.reading('template', () => compile(patch.text('template') ?? patch.refuse('template', 'is missing')))
  const given = patch.text('type') ?? (core ? 'strategic' : 'merge')
  if (!types.includes(given)) patch.refuse('type', 'must be json, merge or strategic')
  const type = given as StagePatch['type']
  const [root, subresource] = [patch.text('root') ?? '', patch.text('subresource') ?? '']
  const as = patch.object('impersonation')?.text('username')
  return (object) => ({
    type,
    body: rooted(type, root, template.value(object)),
    ...(subresource !== '' ? { subresource } : {}),
    ...(as !== undefined ? { as } : {}),
  })
}

const readApply = (apply: Fields, compile: (source: string) => Template): ((object: KubeObject) => KubeObject) => {
  const template = apply.reading('template', () => compile(apply.text('template') ?? apply.refuse('template', 'is missing')))
  return (object) => {
    const made = template.value(object) as unknown as Partial<KubeObject> | null
    if (!made?.apiVersion || !made.kind || !made.metadata?.name) throw new Error('what is applied needs apiVersion, kind and metadata.name')
    return made as KubeObject
  }
}

const rooted = (type: StagePatch['type'], root: string, value: unknown): unknown => {
  if (root === '') return value
  if (type !== 'json') return { [root]: value }
  return (value as readonly { readonly path: string }[]).map((each) => ({ ...each, path: `/${root}${each.path}` }))
}

const statusPatch = (next: Fields, template: string, compile: (source: string) => Template, core: boolean) => {
  const compiled = compile(template)
  const as = next.object('statusPatchAs')?.text('username')
  return (object: KubeObject): StagePatch => ({
    type: core ? 'strategic' : 'merge',
    subresource: next.text('statusSubresource') ?? 'status',
    body: { status: compiled.value(object) },
    ...(as !== undefined ? { as } : {}),
  })
}

/** All steps in one effect: applied objects come first, patches follow one another in their order, events and the deletion come last. */
const effectOf = (steps: readonly Step[], object: KubeObject): Effect => {
  const patches = steps.flatMap(({ finalizers, patch }) => [
    ...(finalizers ? [finalizerPatch(object, finalizers(object))] : []),
    ...(patch ? [patch(object)] : []),
  ])
  const applies = steps.flatMap(({ apply }) => (apply ? [apply(object)] : []))
  const events = steps.flatMap(({ event }) => (event ? [event(object)] : []))
  return {
    ...(applies.length > 0 ? { applies } : {}),
    patches: patches.filter((patch) => patch !== undefined),
    ...(events.length > 0 ? { events } : {}),
    ...(steps.some((step) => step.delete) ? { delete: true } : {}),
  }
}

const finalizerPatch = ({ metadata }: KubeObject, wanted: readonly string[]): StagePatch | undefined => {
  const held = metadata.finalizers ?? []
  if (held.length === wanted.length && held.every((each, i) => each === wanted[i])) return undefined
  return { type: 'merge', body: { metadata: { finalizers: wanted.length > 0 ? wanted : null } } }
}
