import type { Draft } from '@skiff/client'
import type { KubeObject } from '@skiff/machinery'
import type { Outcome, Step, Steps } from '../runner/step.ts'
import { sentences } from './sentences.ts'

/** What reads, lists and questions answer, by their sentences. */
export type Answers = Readonly<Record<string, unknown>>

/**
 * A plan as it goes on while every call succeeds: a write answers with what was written, a question as `answers` say; one that they do
 * not name is where the tale ends. What a `together` holds is indented.
 */
export const walk = (steps: Steps, answers: Answers): string[] => steps.flatMap((step) => walkStep(step, answers))

const walkStep = (step: Step, answers: Answers): string[] => {
  switch (step.do) {
    case 'together': {
      const inner = walk(step.steps, answers).map((line) => `  ${line}`)
      const outcomes: Outcome[] = step.steps.map((each) => ({ step: each }))
      return [...(step.steps.length > 0 ? ['together', ...inner] : []), ...walk(step.after?.(outcomes) ?? [], answers)]
    }
    case 'in order':
      return walk(step.steps, answers)
    case 'create':
      return [...sentences([step]), ...walk(step.done?.(named(step.object) as never) ?? [], answers)]
    case 'update': {
      const { status } = step.object as { readonly status?: unknown }
      const told = step.subresource === 'status' ? ` ${JSON.stringify(status)}` : ''
      return [`${sentences([step])[0]}${told}`, ...walk(step.done?.(step.object as never) ?? [], answers)]
    }
    case 'read':
    case 'list':
    case 'fetch':
    case 'ask': {
      const [line = ''] = sentences([step])
      if (!Object.hasOwn(answers, line)) return [line]
      return [line, ...walk(step.done?.((answers[line] ?? undefined) as never) ?? [], answers)]
    }
    case 'patch':
    case 'remove':
    case 'clear':
      return [...sentences([step]), ...walk(step.done?.(undefined as never) ?? [], answers)]
    default:
      return sentences([step])
  }
}

/** As the server names what is to have a name of its own. */
const named = ({ metadata, ...rest }: Draft<KubeObject>) => ({ ...rest, metadata: { name: `${metadata.generateName}*`, ...metadata } })
