import { DecodeError, quoted, required } from '@skiff/machinery'
import { checkNonNegative, collect, type Faults, invalidShown, same } from '../checks/faults.ts'
import { goIntOrString, goPointer, goSelector, goTemplateLabels } from '../checks/go-syntax.ts'
import { checkAtMostAll, checkIntOrPercent, magnitude } from '../checks/int-or-percent.ts'
import { checkLabelSelector, selectorMatches, selectsNothing } from '../checks/label-selector.ts'
import { checkCollisions, checkCounts, checkReadOnlyDisks, checkSelectorFixed } from '../checks/workload.ts'
import { checkPodTemplate, checkRunsForever } from '../core/pod-spec/pod-spec.ts'
import { templateWarnings } from '../core/pod-spec/warnings.ts'
import { withDefaults, withField } from '../defaults/patch.ts'
import { defaultTemplateOf } from '../defaults/pod-spec.ts'
import { daemonSet as daemonSetResource } from '../generated/resources.ts'
import type { DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy, RollingUpdateDaemonSet } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

/** Counts changes of the template; other versions of the API had a field for it. */
const templateGeneration = 'deprecated.daemonset.template.generation'

const rolling = { maxUnavailable: 1, maxSurge: 0 } as unknown as RollingUpdateDaemonSet

const defaultStrategy = (strategy: DaemonSetUpdateStrategy | undefined): DaemonSetUpdateStrategy => {
  const next = withDefaults(strategy ?? {}, { type: 'RollingUpdate' })
  if (next.type !== 'RollingUpdate') return next
  return withField(next, 'rollingUpdate', withDefaults(next.rollingUpdate ?? {}, rolling))
}

const defaultSpec = (spec: DaemonSetSpec): DaemonSetSpec =>
  withDefaults(withField(defaultTemplateOf(spec), 'updateStrategy', defaultStrategy(spec.updateStrategy)), { revisionHistoryLimit: 10 })

const withTemplateGeneration = (set: DaemonSet, count: number): DaemonSet => ({
  ...set,
  metadata: { ...set.metadata, annotations: { ...set.metadata.annotations, [templateGeneration]: String(count) } },
})
const templateGenerationOf = (set: DaemonSet): number => Number(set.metadata.annotations?.[templateGeneration] ?? 0) || 0

/** Upstream reads the annotation as a field of its own type, when it decodes the object. */
const checkTemplateGeneration = ({ metadata }: DaemonSet): void => {
  const text = metadata.annotations?.[templateGeneration]
  if (text === undefined || /^[+-]?\d{1,18}$/.test(text)) return
  throw new DecodeError(`strconv.ParseInt: parsing ${quoted(text)}: invalid syntax`)
}

const checkRollingUpdate = (faults: Faults, update: RollingUpdateDaemonSet): void => {
  const path = 'spec.updateStrategy.rollingUpdate'
  const unavailable = (update.maxUnavailable ?? 0) as number | string
  const surge = (update.maxSurge ?? 0) as number | string
  checkIntOrPercent(faults, unavailable, `${path}.maxUnavailable`)
  checkIntOrPercent(faults, surge, `${path}.maxSurge`)
  // One of the two alone moves a daemon on: first down, or first up.
  const [down, up] = [magnitude(unavailable) !== 0, magnitude(surge) !== 0]
  if (down && up) faults.push(invalidShown(`${path}.maxSurge`, goIntOrString(surge), 'may not be set when maxUnavailable is non-zero'))
  if (!down && !up) faults.push(required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  checkAtMostAll(faults, surge, `${path}.maxSurge`)
  checkAtMostAll(faults, unavailable, `${path}.maxUnavailable`)
}

const checkStrategy = (faults: Faults, strategy: DaemonSetUpdateStrategy): void => {
  const path = 'spec.updateStrategy'
  if (strategy.type === 'OnDelete') return
  if (strategy.type === 'RollingUpdate') {
    if (strategy.rollingUpdate) checkRollingUpdate(faults, strategy.rollingUpdate)
    else faults.push(required(`${path}.rollingUpdate`))
    return
  }
  const shown = `apps.DaemonSetUpdateStrategy{Type:${quoted(strategy.type ?? '')}, RollingUpdate:${goPointer('apps.RollingUpdateDaemonSet', strategy.rollingUpdate)}}`
  faults.push({
    reason: 'FieldValueNotSupported',
    field: path,
    body: `Unsupported value: ${shown}: supported values: "RollingUpdate", "OnDelete"`,
  })
}

const checkSpec = (faults: Faults, spec: DaemonSetSpec): void => {
  const { selector, template } = spec
  const labels = template?.metadata?.labels
  checkLabelSelector(faults, selector, 'spec.selector')
  if (selectorMatches(selector, labels) === false)
    faults.push(invalidShown('spec.template.metadata.labels', goTemplateLabels(template), '`selector` does not match template `labels`'))
  if (selector && selectsNothing(selector))
    faults.push(invalidShown('spec.selector', goSelector(selector), 'empty selector is invalid for daemonset'))
  checkPodTemplate(faults, template, 'spec.template')
  checkReadOnlyDisks(faults, template)
  checkRunsForever(faults, template, 'DaemonSet', 'spec.template')
  checkNonNegative(faults, spec.minReadySeconds, 'spec.minReadySeconds')
  checkStrategy(faults, spec.updateStrategy ?? {})
  checkNonNegative(faults, spec.revisionHistoryLimit, 'spec.revisionHistoryLimit')
}

const counts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
]

export const daemonSet = defineKind<DaemonSet>(daemonSetResource, {
  default: (object) => {
    checkTemplateGeneration(object)
    return withField(object, 'spec', defaultSpec(object.spec))
  },
  prepareForCreate: (next) => withTemplateGeneration(next, Math.max(1, templateGenerationOf(next))),
  prepareForUpdate: (next, old) => {
    const changed = !same(next.spec.template, old.spec.template)
    return withTemplateGeneration(next, templateGenerationOf(old) + (changed ? 1 : 0))
  },
  createChecksOnUpdate: 1,
  warnings: (next, old) =>
    old !== undefined && old.metadata.generation === next.metadata.generation ? [] : templateWarnings(next.spec.template, 'spec.template'),
  validate: (next) => collect((faults) => checkSpec(faults, next.spec)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkSpec(faults, next.spec)
      checkSelectorFixed(faults, next.spec.selector, old.spec.selector)
    }),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => withTemplateGeneration({ ...next, spec: old.spec }, templateGenerationOf(old)),
      validateUpdate: (next, old) =>
        collect((faults) => {
          checkCounts(faults, next.status, counts, [])
          checkCollisions(faults, next.status?.collisionCount, old.status?.collisionCount)
        }),
    },
  },
})
