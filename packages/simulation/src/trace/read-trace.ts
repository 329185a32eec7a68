import { loadYaml, parseDurationMs } from '@skiff/machinery'
import { type Fields, FileError, fieldsOf } from '../file/fields.ts'
import { readSimulationFile } from '../file/read-file.ts'
import { readShape } from '../file/shapes.ts'
import { compileJq, type Query } from '../jq/evaluate.ts'
import type { NodeShape } from '../nodes/shape.ts'

/** Nodes by name, or by what holds of them. */
export type NodeChoice = { readonly names: readonly string[] } | { readonly where: Query; readonly text: string }
export type Part = 'controllers' | 'scheduler' | 'nodes'

/** An object: `deployment/web`. */
export interface ObjectRef {
  readonly kind: string
  readonly name: string
  readonly namespace: string
}

export type Expectation = { readonly withinMs: number; readonly text: string } & (
  | { readonly of: ObjectRef; readonly that: Query | undefined }
  | {
      readonly count: string
      readonly namespace: string | undefined
      readonly where: Query | undefined
      readonly least: number
      readonly most: number
    }
)

export type Act =
  | { readonly do: 'say'; readonly text: string }
  | { readonly do: 'apply'; readonly objects: readonly unknown[]; readonly from: string | undefined }
  | { readonly do: 'delete'; readonly of: ObjectRef }
  | { readonly do: 'scale'; readonly of: ObjectRef; readonly replicas: number }
  | { readonly do: 'patch'; readonly of: ObjectRef; readonly merge: unknown }
  | { readonly do: 'die' | 'recover' | 'leave' | 'cordon' | 'uncordon'; readonly nodes: NodeChoice }
  | { readonly do: 'join'; readonly shape: NodeShape }
  | { readonly do: 'cutWatches'; readonly of: readonly Part[] }
  | { readonly do: 'crash'; readonly who: 'controllers' | 'scheduler'; readonly forMs: number }
  | { readonly do: 'jumpClock'; readonly byMs: number }
  | { readonly do: 'expect'; readonly expectations: readonly Expectation[] }

export interface Step {
  readonly atMs: number
  readonly acts: readonly Act[]
}

export interface Trace {
  readonly name: string
  /** In the order of their times. */
  readonly steps: readonly Step[]
  readonly untilMs: number
  /** How many nodes of the usual shape there are from the beginning, besides those of the file's shapes. */
  readonly nodes: number
  /** The other documents of the file: a simulation file. */
  readonly simulation: string
}

/** Reads a trace: one document of kind Trace, and any of a simulation file. `readFile` reads what it names. */
export const readTrace = (text: string, readFile: (path: string) => string): Trace => {
  const parts = text.split(/^---[^\S\n]*(?:#[^\n]*)?$/m)
  const isTrace = (part: string): boolean => (load(part) as { kind?: unknown } | null)?.kind === 'Trace'
  const [own, second] = parts.filter(isTrace)
  if (own === undefined) throw new FileError('there is no document of kind Trace')
  if (second !== undefined) throw new FileError('there are two documents of kind Trace')
  const simulation = parts.filter((part) => !isTrace(part)).join('\n---\n')
  const { shapes } = readSimulationFile(simulation)
  const document = fieldsOf(load(own), 'Trace')
  const spec = document.object('spec') ?? document.refuse('spec', 'is missing')
  spec.only('nodes', 'until', 'steps')
  const nodes = spec.number('nodes') ?? (shapes.length > 0 ? 0 : 3)
  const steps = spec.list('steps').map((step) => readStep(step, readFile))
  const lastMs = Math.max(0, ...steps.map(({ atMs }) => atMs))
  const untilMs = spec.text('until') === undefined ? lastMs + 60_000 : duration(spec, 'until')
  const sorted = steps.map((step, i) => ({ step, i })).sort((a, b) => a.step.atMs - b.step.atMs || a.i - b.i)
  return { name: document.object('metadata')?.text('name') ?? '', steps: sorted.map(({ step }) => step), untilMs, nodes, simulation }
}

const load = (text: string): unknown => {
  try {
    return loadYaml(text).value
  } catch (error) {
    throw new FileError((error as Error).message)
  }
}

const duration = (fields: Fields, name: string): number => {
  const text = fields.text(name) ?? fields.refuse(name, 'is missing')
  try {
    return parseDurationMs(text)
  } catch {
    return fields.refuse(name, 'must be a duration such as 90s or 1h30m')
  }
}

const readStep = (step: Fields, readFile: (path: string) => string): Step => {
  step.only('at', ...Object.keys(readers))
  const acts = Object.entries(readers).flatMap(([name, read]) => (step.raw(name) === undefined ? [] : [read(step, name, readFile)]))
  if (acts.length === 0) step.refuse('at', `says when, and nothing says what; known are ${Object.keys(readers).join(', ')}`)
  return { atMs: duration(step, 'at'), acts }
}

type Reader = (step: Fields, name: string, readFile: (path: string) => string) => Act
const inner = (step: Fields, name: string): Fields => step.object(name) as Fields

const refOf = (fields: Fields, name = 'of'): ObjectRef => {
  const [kind = '', rest = '', ...more] = (fields.text(name) ?? fields.refuse(name, 'is missing')).split('/')
  if (kind === '' || rest === '' || more.length > 0) fields.refuse(name, 'must be a kind and a name, as deployment/web')
  return { kind, name: rest, namespace: fields.text('namespace') ?? 'default' }
}

const nodesOf = (step: Fields, name: string): NodeChoice => {
  const raw = step.raw(name)
  if (typeof raw === 'string') return { names: [raw] }
  if (Array.isArray(raw)) return { names: step.texts(name) ?? [] }
  const where = inner(step, name).text('where') ?? step.refuse(name, 'must be names of nodes, or { where: an expression }')
  return { where: compileJq(where), text: where }
}

const ofNodes: Reader = (step, name) => ({ do: name as 'die', nodes: nodesOf(step, name) })

const parts: readonly Part[] = ['controllers', 'scheduler', 'nodes']

/** By the field that says it; those of one step are done in this order. */
const readers: Readonly<Record<string, Reader>> = {
  say: (step, name) => ({ do: 'say', text: step.text(name) ?? '' }),
  jumpClock: (step, name) => ({ do: 'jumpClock', byMs: duration(step, name) }),
  join: (step, name) => {
    const fields = inner(step, name)
    const { name: shapeName, ...spec } =
      fields.raw('name') === undefined ? fields.refuse('name', 'is missing') : (step.raw(name) as { name: string })
    return { do: 'join', shape: readShape(shapeName, fieldsOf(spec, `${step.path}.${name}`)) }
  },
  die: ofNodes,
  recover: ofNodes,
  leave: ofNodes,
  cordon: ofNodes,
  uncordon: ofNodes,
  apply: (step, name, readFile) => {
    const raw = step.raw(name)
    if (typeof raw !== 'string') return { do: 'apply', objects: Array.isArray(raw) ? raw : [raw], from: undefined }
    const objects = readFile(raw)
      .split(/^---[^\S\n]*(?:#[^\n]*)?$/m)
      .map(load)
    return { do: 'apply', objects: objects.filter((each) => each !== null), from: raw }
  },
  scale: (step, name) => {
    const fields = inner(step, name)
    return { do: 'scale', of: refOf(fields), replicas: fields.number('replicas') ?? fields.refuse('replicas', 'is missing') }
  },
  patch: (step, name) => {
    const fields = inner(step, name)
    return { do: 'patch', of: refOf(fields), merge: fields.raw('merge') ?? fields.refuse('merge', 'is missing') }
  },
  delete: (step, name) => ({ do: 'delete', of: refOf(inner(step, name)) }),
  cutWatches: (step, name) => {
    const raw = step.raw(name)
    const names = typeof raw === 'string' ? [raw] : (step.texts(name) ?? [])
    const of = names.includes('all')
      ? parts
      : names.map((each) => parts.find((part) => part === each) ?? step.refuse(name, `must be of ${parts.join(', ')}, or all`))
    return { do: 'cutWatches', of }
  },
  crash: (step, name) => {
    const fields = inner(step, name)
    const who = fields.text('who')
    if (who !== 'controllers' && who !== 'scheduler') return fields.refuse('who', 'must be controllers or scheduler')
    return { do: 'crash', who, forMs: duration(fields, 'for') }
  },
  expect: (step, name) => ({ do: 'expect', expectations: step.list(name).map(expectation) }),
}

const expectation = (fields: Fields): Expectation => {
  const withinMs = fields.text('within') === undefined ? 0 : duration(fields, 'within')
  const namespace = fields.text('namespace')
  const counted = fields.text('count')
  if (counted === undefined) {
    fields.only('of', 'namespace', 'that', 'within')
    const of = refOf(fields)
    const that = fields.text('that')
    return { withinMs, of, that: that === undefined ? undefined : compileJq(that), text: `${of.kind}/${of.name}: ${that ?? 'is there'}` }
  }
  fields.only('count', 'namespace', 'where', 'is', 'atLeast', 'atMost', 'within')
  const [is, atLeast, atMost, where] = [fields.number('is'), fields.number('atLeast'), fields.number('atMost'), fields.text('where')]
  if (is === undefined && atLeast === undefined && atMost === undefined) fields.refuse('is', 'is missing, and so are atLeast and atMost')
  const wanted = [
    is === undefined ? [] : `${is}`,
    atLeast === undefined ? [] : `at least ${atLeast}`,
    atMost === undefined ? [] : `at most ${atMost}`,
  ].flat()
  return {
    withinMs,
    count: counted,
    namespace,
    where: where === undefined ? undefined : compileJq(where),
    least: is ?? atLeast ?? 0,
    most: is ?? atMost ?? Number.POSITIVE_INFINITY,
    text: `${wanted.join(' and ')} ${counted}${namespace === undefined ? '' : ` of ${namespace}`}${where === undefined ? '' : ` with ${where}`}`,
  }
}
