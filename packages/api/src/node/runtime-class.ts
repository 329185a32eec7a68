import { duplicate, nameIsDnsLabel } from '@skiff/machinery'
import { addInvalid, checkImmutable, collect, keysOf } from '../checks/faults.ts'
import { goToleration } from '../checks/go-syntax.ts'
import { checkLabels } from '../checks/label-selector.ts'
import { nodeLabelWarning } from '../checks/node-label-warnings.ts'
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
  createChecksOnUpdate: 1,
  validate: ({ handler = '', overhead, scheduling }) =>
    collect((faults) => {
      addInvalid(faults, nameIsDnsLabel(handler, false), handler, 'handler')
      if (overhead?.podFixed) checkLimits(faults, overhead.podFixed, 'overhead')
      checkLabels(faults, scheduling?.nodeSelector, 'scheduling.nodeSelector')
      const tolerations = scheduling?.tolerations ?? []
      // Upstream names the list twice here.
      checkTolerations(faults, tolerations, 'scheduling.tolerations.tolerations')
      const seen = new Set<string>()
      tolerations.forEach((toleration, index) => {
        const { key, operator, value, effect } = toleration
        const tuple = JSON.stringify([key, operator, value, effect])
        if (seen.has(tuple))
          faults.push({ ...duplicate(`scheduling.tolerations[${index}]`, ''), body: `Duplicate value: ${goToleration(toleration)}` })
        seen.add(tuple)
      })
    }),
  warnings: ({ scheduling }) =>
    keysOf(scheduling?.nodeSelector).flatMap((key) => {
      const text = nodeLabelWarning(key)
      return text === undefined ? [] : [`scheduling.nodeSelector: ${text}`]
    }),
  validateUpdate: (next, old) => collect((faults) => checkImmutable(faults, next.handler, old.handler, 'handler')),
})
