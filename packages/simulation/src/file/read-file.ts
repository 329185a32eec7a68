import { splitApiVersion } from '@skiff/machinery'
import type { AnswerRules } from '../answers/rules.ts'
import type { TemplateSurroundings } from '../kwok/functions.ts'
import { type FileStage, readStage, templatesOf } from '../kwok/read-stage.ts'
import type { NodeShape } from '../nodes/shape.ts'
import type { UsageRule } from '../usage/usage.ts'
import { readAnswers } from './answers.ts'
import { documentsOf, type FileDocument } from './documents.ts'
import { type Fields, FileError, fieldsOf } from './fields.ts'
import { readShape } from './shapes.ts'
import { readUsage } from './usages.ts'

/** What a simulation file says. */
export interface SimulationFile {
  readonly shapes: readonly NodeShape[]
  readonly stages: readonly FileStage[]
  readonly usages: readonly UsageRule[]
  /** What pods answer to who looks into them: those of a pod's own name first. */
  readonly answers: AnswerRules
  /** The built-in stages of a kind stay beside the file's own; those of the same name give way. */
  readonly keepsBuiltins: boolean
  /** Of the nodes' leases; absent: the kubelet's. */
  readonly leaseDurationSeconds: number | undefined
  /** Documents that were passed over: kinds of kwok's that mean nothing here. */
  readonly ignored: readonly string[]
}

const nowhere: TemplateSurroundings = { now: () => 0, random: () => 0, nodeIP: () => '', podIP: () => '' }

/** Kinds of kwok that configure what is not simulated here. */
const passedOver = new Set(['KwokConfiguration', 'KwokctlConfiguration', 'KwokctlResource', 'KwokctlComponent', 'Metric'])

const groups = new Set(['kwok.x-k8s.io', 'config.kwok.x-k8s.io', 'simulation.skiff.dev'])

/**
 * Reads a simulation file: kwok's Stage, ResourceUsage and ClusterResourceUsage, and NodeShape and Simulation of `simulation.skiff.dev/v1alpha1`.
 * Throws a FileError that names the document and the field. Without `around` the file is only checked.
 */
export const readSimulationFile = (text: string, around: TemplateSurroundings = nowhere): SimulationFile =>
  readSimulationDocuments(documentsOf(text), around)

/** The same of documents that may stand among others. */
export const readSimulationDocuments = (documents: readonly FileDocument[], around: TemplateSurroundings = nowhere): SimulationFile => {
  const shapes: NodeShape[] = []
  const stages: FileStage[] = []
  const usages: UsageRule[] = []
  const ignored: string[] = []
  const answers: (Partial<AnswerRules> & { readonly own: boolean })[] = []
  let keepsBuiltins = false
  let leaseDurationSeconds: number | undefined
  const readOne = (value: unknown, at: number): void => {
    const { kind, name, document } = headOf(value, at)
    const spec = (): Fields => document.object('spec') ?? document.refuse('spec', 'is missing')
    switch (kind) {
      case 'Stage':
        stages.push(readStage(name, spec(), around))
        break
      case 'NodeShape':
        shapes.push(readShape(name, spec()))
        break
      case 'ResourceUsage':
      case 'ClusterResourceUsage':
        usages.push(...readUsage(kind, name, document))
        break
      case 'Simulation':
        spec().only('keepBuiltinStages', 'nodeLeaseDurationSeconds')
        keepsBuiltins = spec().flag('keepBuiltinStages') ?? false
        leaseDurationSeconds = readLease(spec())
        break
      default: {
        const found = readAnswers(kind, name, document, templatesOf(name, around))
        if (found) answers.push({ ...found, own: !kind.startsWith('Cluster') })
        if (found) break
        if (!passedOver.has(kind))
          throw new FileError(`document ${at + 1} has the kind ${JSON.stringify(kind)}, which is not known here`, ['kind'])
        ignored.push(`${kind} ${name}`)
      }
    }
  }
  for (const [at, { value, read }] of documents.entries()) read(() => readOne(value, at))
  refuseTwice(shapes)
  return { shapes, stages, usages, answers: together(answers), keepsBuiltins, leaseDurationSeconds, ignored }
}

const together = (found: readonly (Partial<AnswerRules> & { readonly own: boolean })[]): AnswerRules => {
  const sorted = [...found.filter(({ own }) => own), ...found.filter(({ own }) => !own)]
  const all = <K extends keyof AnswerRules>(name: K) =>
    sorted.flatMap((each) => (each[name] ?? []) as AnswerRules[K][number][]) as unknown as AnswerRules[K]
  return { logs: all('logs'), attaches: all('attaches'), execs: all('execs'), forwards: all('forwards') }
}

const readLease = (spec: Fields): number | undefined => {
  const seconds = spec.number('nodeLeaseDurationSeconds')
  if (seconds !== undefined && (!Number.isInteger(seconds) || seconds < 1))
    spec.refuse('nodeLeaseDurationSeconds', 'must be a whole number from 1 on')
  return seconds
}

const headOf = (value: unknown, at: number) => {
  const fields = fieldsOf(value, `document ${at + 1}`)
  const kind = fields.text('kind') ?? fields.refuse('kind', 'is missing')
  const { group } = splitApiVersion(fields.text('apiVersion') ?? fields.refuse('apiVersion', 'is missing'))
  if (!groups.has(group)) fields.refuse('apiVersion', 'must be kwok.x-k8s.io/v1alpha1 or simulation.skiff.dev/v1alpha1')
  const name = fields.object('metadata')?.text('name') ?? ''
  return { kind, name, document: fieldsOf(value, `document ${at + 1} (${kind} ${name})`) }
}

const refuseTwice = (shapes: readonly NodeShape[]): void => {
  const twice = shapes.find(({ name }, at) => shapes.findIndex((other) => other.name === name) !== at)
  if (twice) throw new FileError(`there are two NodeShapes of the name ${JSON.stringify(twice.name)}`)
}
