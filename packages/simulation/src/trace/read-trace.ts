import { type KubeObject, parseDurationMs } from '@skiff/machinery'
import { documentsOf, type FileDocument } from '../file/documents.ts'
import { type Fields, FileError, fieldsOf } from '../file/fields.ts'
import { readSimulationDocuments } from '../file/read-file.ts'
import { readShape } from '../file/shapes.ts'
import { compileJq, type Query } from '../jq/evaluate.ts'
import type { NodeShape } from '../nodes/shape.ts'
import { type KnownKinds, knownKinds } from './known-kinds.ts'

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

/** As many nodes as there are addresses for. */
const mostNodes = 30_000

/** Reads a trace: one document of kind Trace, and any of a simulation file. `readFile` reads what it names. Throws a FileError with the line. */
export const readTrace = (text: string, readFile: (path: string) => string): Trace => {
  const isTrace = ({ value }: FileDocument): boolean => (value as { kind?: unknown } | null)?.kind === 'Trace'
  const documents = documentsOf(text)
  const [own, second] = documents.filter(isTrace)
  if (own === undefined) throw new FileError('there is no document of kind Trace')
  if (second !== undefined) throw new FileError('there are two documents of kind Trace')
  const others = documents.filter((each) => !isTrace(each))
  const { shapes } = readSimulationDocuments(others)
  return own.read(() => {
    const document = fieldsOf(own.value, 'Trace')
    document.only('apiVersion', 'kind', 'metadata', 'spec')
    const version = document.text('apiVersion')
    if (version !== 'simulation.skiff.dev/v1alpha1') document.refuse('apiVersion', 'must be simulation.skiff.dev/v1alpha1')
    const spec = document.object('spec') ?? document.refuse('spec', 'is missing')
    spec.only('nodes', 'until', 'steps')
    const nodes = spec.number('nodes') ?? (shapes.length > 0 ? 0 : 3)
    if (!Number.isInteger(nodes) || nodes < 0 || nodes > mostNodes) spec.refuse('nodes', `must be a whole number from 0 to ${mostNodes}`)
    const steps = spec.list('steps').map((step) => ({ fields: step, ...readStep(step, readFile) }))
    refuseUnknownKinds(steps)
    const lastMs = Math.max(0, ...steps.map(({ atMs }) => atMs))
    const untilMs = spec.text('until') === undefined ? lastMs + 60_000 : period(spec, 'until')
    const sorted = steps.map(({ atMs, acts }, i) => ({ step: { atMs, acts }, i })).sort((a, b) => a.step.atMs - b.step.atMs || a.i - b.i)
    const simulation = others.map(({ text }) => text).join('\n---\n')
    return { name: document.object('metadata')?.text('name') ?? '', steps: sorted.map(({ step }) => step), untilMs, nodes, simulation }
  })
}

/** What a step speaks of is there, or the trace defines it: told before anything starts. */
const refuseUnknownKinds = (steps: readonly (Step & { readonly fields: Fields })[]): void => {
  const objects = steps.flatMap(({ acts }) => acts.flatMap((act) => (act.do === 'apply' ? act.objects : [])))
  const known = knownKinds(objects)
  for (const { fields, acts } of steps)
    for (const act of acts) {
      if (act.do === 'apply') for (const object of act.objects) refuseObject(fields, object as Partial<KubeObject>, known)
      if (act.do === 'delete' || act.do === 'scale' || act.do === 'patch')
        refuseKind(fields.object(act.do) as Fields, 'of', act.of.kind, known)
      if (act.do !== 'expect') continue
      const each = fields.list('expect')
      act.expectations.forEach((expected, i) => {
        if ('count' in expected) refuseKind(each[i] as Fields, 'count', expected.count, known)
        else refuseKind(each[i] as Fields, 'of', expected.of.kind, known)
      })
    }
}

const refuseKind = (fields: Fields, name: string, kind: string, { isNamed }: KnownKinds): void => {
  if (!isNamed(kind)) fields.refuse(name, `names the kind ${JSON.stringify(kind)}, which there is not`)
}

const refuseObject = (step: Fields, object: Partial<KubeObject> | null, { isServed }: KnownKinds): void => {
  const { apiVersion = '', kind = '', metadata } = typeof object === 'object' && object !== null ? object : {}
  if (apiVersion === '' || kind === '' || !(metadata?.name ?? metadata?.generateName))
    step.refuse('apply', 'holds an object without apiVersion, kind, or a name in its metadata')
  if (!isServed(apiVersion, kind)) step.refuse('apply', `holds a ${kind} of ${apiVersion}, which there is not`)
}

const duration = (fields: Fields, name: string): number => {
  const text = fields.text(name) ?? fields.refuse(name, 'is missing')
  try {
    return parseDurationMs(text)
  } catch {
    return fields.refuse(name, 'must be a duration such as 90s or 1h30m')
  }
}

/** A duration that does not go back. */
const period = (fields: Fields, name: string): number => {
  const ms = duration(fields, name)
  return ms < 0 ? fields.refuse(name, 'must not be negative') : ms
}

const readStep = (step: Fields, readFile: (path: string) => string): Step => {
  step.only('at', ...Object.keys(readers))
  const acts = Object.entries(readers).flatMap(([name, read]) => (step.raw(name) === undefined ? [] : [read(step, name, readFile)]))
  if (acts.length === 0) step.refuse('at', `says when, and nothing says what; known are ${Object.keys(readers).join(', ')}`)
  return { atMs: period(step, 'at'), acts }
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
  const fields = inner(step, name)
  const where = fields.text('where') ?? step.refuse(name, 'must be names of nodes, or { where: an expression }')
  return { where: fields.reading('where', () => compileJq(where)), text: where }
}

const ofNodes: Reader = (step, name) => ({ do: name as 'die', nodes: nodesOf(step, name) })

const parts: readonly Part[] = ['controllers', 'scheduler', 'nodes']

const objectsIn = (path: string, readFile: (path: string) => string): readonly unknown[] => {
  const text = readFile(path)
  try {
    return documentsOf(text).map(({ value }) => value)
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`)
  }
}

/** By the field that says it; those of one step are done in this order. */
const readers: Readonly<Record<string, Reader>> = {
  say: (step, name) => ({ do: 'say', text: step.text(name) ?? '' }),
  jumpClock: (step, name) => ({ do: 'jumpClock', byMs: duration(step, name) }),
  join: (step, name) => {
    const fields = inner(step, name)
    const shapeName = fields.text('name') ?? fields.refuse('name', 'is missing')
    return { do: 'join', shape: readShape(shapeName, fields.without('name')) }
  },
  die: ofNodes,
  recover: ofNodes,
  leave: ofNodes,
  cordon: ofNodes,
  uncordon: ofNodes,
  apply: (step, name, readFile) => {
    const raw = step.raw(name)
    if (typeof raw !== 'string') return { do: 'apply', objects: Array.isArray(raw) ? raw : [raw], from: undefined }
    const objects = step.reading(name, () => objectsIn(raw, readFile))
    return { do: 'apply', objects, from: raw }
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
    return { do: 'crash', who, forMs: period(fields, 'for') }
  },
  expect: (step, name) => ({ do: 'expect', expectations: step.list(name).map(expectation) }),
}

const expectation = (fields: Fields): Expectation => {
  const withinMs = fields.text('within') === undefined ? 0 : period(fields, 'within')
  const namespace = fields.text('namespace')
  const counted = fields.text('count')
  if (counted === undefined) {
    fields.only('of', 'namespace', 'that', 'within')
    const of = refOf(fields)
    const that = fields.text('that')
    return {
      withinMs,
      of,
      that: that === undefined ? undefined : fields.reading('that', () => compileJq(that)),
      text: `${of.kind}/${of.name}: ${that ?? 'is there'}`,
    }
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
    where: where === undefined ? undefined : fields.reading('where', () => compileJq(where)),
    least: is ?? atLeast ?? 0,
    most: is ?? atMost ?? Number.POSITIVE_INFINITY,
    text: `${wanted.join(' and ')} ${counted}${namespace === undefined ? '' : ` of ${namespace}`}${where === undefined ? '' : ` with ${where}`}`,
  }
}
