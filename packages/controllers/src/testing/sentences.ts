import { keyOf } from '@skiff/machinery'
import type { Step, Steps } from '../runner/step.ts'

/** A plan as lines to compare with, `together` indented. What a step's `done` decides is asked for by its own test. */
export const sentences = (steps: Steps): string[] => steps.flatMap(sentence)

const sentence = (step: Step): string[] => {
  switch (step.do) {
    case 'create':
      return [`create ${step.resource.plural} ${step.object.metadata.name ?? `${step.object.metadata.generateName}*`}`]
    case 'update':
      return [`update ${step.resource.plural}${step.subresource ? `/${step.subresource}` : ''} ${keyOf(step.object)}`]
    case 'patch':
      return [`patch ${step.resource.plural} ${step.target.name} ${JSON.stringify(step.patch)}`]
    case 'remove':
      return [`remove ${step.resource.plural} ${keyOf(step.object)}`]
    case 'clear':
      return [`clear ${step.resource.plural} in ${step.namespace}`]
    case 'read':
      return [`read ${step.resource.plural} ${step.target.name}`]
    case 'fetch':
      return [`fetch ${step.resource.plural} ${[step.target.name, step.target.subresource].filter(Boolean).join('/')}`.trimEnd()]
    case 'list':
      return [`list ${step.resource.plural} in ${step.namespace}`]
    case 'event':
      return [`event ${step.type} ${step.reason}: ${step.message}`]
    case 'requeue':
      return [`requeue ${step.afterMs}`]
    case 'fail':
      return [`fail ${String(step.error)}`]
    case 'ask':
      return [`ask ${step.what}`]
    case 'in order':
      return sentences(step.steps)
    case 'together':
      // One thing after the other, and what follows where all of it goes well.
      if (step.steps.length === 1 && step.steps[0]?.do === 'in order' && step.after)
        return [...sentences(step.steps), ...sentences(step.after([{ step: step.steps[0] }]))]
      // Nothing to wait for: what follows is known.
      if (step.steps.length === 0 && step.after) return sentences(step.after([]))
      return ['together', ...sentences(step.steps).map((line) => `  ${line}`)]
  }
}
