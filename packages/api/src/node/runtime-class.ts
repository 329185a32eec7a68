import { duplicate, nameIsDnsLabel } from '@skiff/machinery'
import { addInvalid, checkImmutable, collect } from '../checks/faults.ts'
import { checkLabels } from '../checks/label-selector.ts'
import { checkLimits } from '../checks/requirements.ts'
import { checkTolerations } from '../checks/taints.ts'
import { inField, withField } from '../defaults/patch.ts'
import { roundResources } from '../defaults/quantities.ts'
import { runtimeClass as runtimeClassResource } from '../generated/resources.ts'
import type { RuntimeClass } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

export const runtimeClass = defineKind<RuntimeClass>(runtimeClassResource, {
  generation: false,
  allowCreateOnUpdate: true,
  requireResourceVersion: true,
  default: (object) => (object.overhead ? withField(object, 'overhead', inField(object.overhead, 'podFixed', roundResources)) : object),
  validate: ({ handler = '', overhead, scheduling }) =>
    collect((faults) => {
      addInvalid(faults, nameIsDnsLabel(handler, false), handler, 'handler')
      if (overhead?.podFixed) checkLimits(faults, overhead.podFixed, 'overhead')
      checkLabels(faults, scheduling?.nodeSelector, 'scheduling.nodeSelector')
      const tolerations = scheduling?.tolerations ?? []
      // Upstream names the list twice here.
      checkTolerations(faults, tolerations, 'scheduling.tolerations.tolerations')
      const seen = new Set<string>()
      tolerations.forEach(({ key, operator, value, effect }, index) => {
        const tuple = JSON.stringify([key, operator, value, effect])
        if (seen.has(tuple)) faults.push(duplicate(`scheduling.tolerations[${index}]`, key ?? ''))
        seen.add(tuple)
      })
    }),
  validateUpdate: (next, old) => collect((faults) => checkImmutable(faults, next.handler, old.handler, 'handler')),
})
