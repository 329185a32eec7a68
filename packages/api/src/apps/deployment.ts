import { forbiddenField, invalidValue, quoted, required } from '@skiff/machinery'
import { checkNonNegative, collect, type Faults, invalidShown, same } from '../checks/faults.ts'
import { goIntOrString, goPointer } from '../checks/go-syntax.ts'
import { checkAtMostAll, checkIntOrPercent, magnitude } from '../checks/int-or-percent.ts'
import { checkCollisions, checkCounts, checkReplicatedTemplate, checkSelectorFixed, checkWorkloadSelector } from '../checks/workload.ts'
import { ownerNameWarnings, templateWarnings } from '../core/pod-spec/warnings.ts'
import { withDefaults, withField } from '../defaults/patch.ts'
import { defaultTemplateOf } from '../defaults/pod-spec.ts'
import { deployment as deploymentResource } from '../generated/resources.ts'
import type { Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const quarter = { maxUnavailable: '25%', maxSurge: '25%' }

const defaultStrategy = (strategy: DeploymentStrategy | undefined): DeploymentStrategy => {
  const next = withDefaults(strategy ?? {}, { type: 'RollingUpdate' })
  if (next.type !== 'RollingUpdate') return next
  return withField(next, 'rollingUpdate', withDefaults(next.rollingUpdate ?? {}, quarter))
}

const defaultSpec = (spec: DeploymentSpec): DeploymentSpec => {
  const next = withField(defaultTemplateOf(spec), 'strategy', defaultStrategy(spec.strategy))
  return withDefaults(next, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 })
}

const checkRollingUpdate = (faults: Faults, update: RollingUpdateDeployment): void => {
  const path = 'spec.strategy.rollingUpdate'
  const unavailable = (update.maxUnavailable ?? 0) as number | string
  const surge = (update.maxSurge ?? 0) as number | string
  checkIntOrPercent(faults, unavailable, `${path}.maxUnavailable`)
  checkIntOrPercent(faults, surge, `${path}.maxSurge`)
  if (magnitude(unavailable) === 0 && magnitude(surge) === 0)
    faults.push(invalidShown(`${path}.maxUnavailable`, goIntOrString(unavailable), 'may not be 0 when `maxSurge` is 0'))
  checkAtMostAll(faults, unavailable, `${path}.maxUnavailable`)
}

const checkStrategy = (faults: Faults, strategy: DeploymentStrategy): void => {
  const path = 'spec.strategy'
  if (strategy.type === 'Recreate') {
    if (strategy.rollingUpdate)
      faults.push(forbiddenField(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'"))
  } else if (strategy.type === 'RollingUpdate') {
    if (strategy.rollingUpdate) checkRollingUpdate(faults, strategy.rollingUpdate)
    else faults.push(required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil'))
  } else {
    const shown = `apps.DeploymentStrategy{Type:${quoted(strategy.type ?? '')}, RollingUpdate:${goPointer('apps.RollingUpdateDeployment', strategy.rollingUpdate)}}`
    const body = `Unsupported value: ${shown}: supported values: "Recreate", "RollingUpdate"`
    faults.push({ reason: 'FieldValueNotSupported', field: path, body })
  }
}

const checkSpec = (faults: Faults, spec: DeploymentSpec): void => {
  checkNonNegative(faults, spec.replicas, 'spec.replicas')
  checkWorkloadSelector(faults, spec.selector, 'deployment')
  checkReplicatedTemplate(faults, spec.selector, spec.template, spec.replicas ?? 0)
  checkStrategy(faults, spec.strategy ?? {})
  checkNonNegative(faults, spec.minReadySeconds, 'spec.minReadySeconds')
  checkNonNegative(faults, spec.revisionHistoryLimit, 'spec.revisionHistoryLimit')
  const deadline = spec.progressDeadlineSeconds
  checkNonNegative(faults, deadline, 'spec.progressDeadlineSeconds')
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0))
    faults.push(invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
}

const counts = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'collisionCount',
]

export const deployment = defineKind<Deployment>(deploymentResource, {
  default: (object) => withField(object, 'spec', defaultSpec(object.spec)),
  warnings: (next, old) =>
    old !== undefined && old.metadata.generation === next.metadata.generation
      ? []
      : [...(old ? [] : ownerNameWarnings(next.metadata.name)), ...templateWarnings(next.spec.template, 'spec.template')],
  validate: (next) => collect((faults) => checkSpec(faults, next.spec)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkSpec(faults, next.spec)
      checkSelectorFixed(faults, next.spec.selector, old.spec.selector)
    }),
  // Annotations are copied to replica sets, so their change is one of what is wanted.
  generationChanged: (next, old) => !same(next.spec, old.spec) || !same(next.metadata.annotations, old.metadata.annotations),
  ignoredFields: { status: ['spec', 'metadata.labels'] },
  subresources: {
    status: {
      prepareForUpdate: (next, old) => {
        const { labels } = old.metadata
        const { labels: _, ...metadata } = next.metadata
        return { ...next, metadata: { ...metadata, ...(labels ? { labels } : {}) }, spec: old.spec }
      },
      validateUpdate: (next, old) =>
        collect((faults) => {
          checkCounts(faults, next.status, counts, ['updatedReplicas', 'readyReplicas', 'availableReplicas'])
          const available = next.status?.availableReplicas ?? 0
          if (available > (next.status?.readyReplicas ?? 0))
            faults.push(invalidValue('status.availableReplicas', available, 'cannot be greater than readyReplicas'))
          checkCollisions(faults, next.status?.collisionCount, old.status?.collisionCount)
        }),
    },
  },
})
