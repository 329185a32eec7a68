import { forbiddenField, invalidValue, isDns1123Label, nameIsDnsLabel, quoted, required } from '@skiff/machinery'
import { addInvalid, checkNonNegative, checkSupported, collect, type Faults, invalidShown, same } from '../checks/faults.ts'
import { goIntOrString, goPointer } from '../checks/go-syntax.ts'
import { checkAtMostAll, checkIntOrPercent, magnitude } from '../checks/int-or-percent.ts'
import { checkCollisions, checkCounts, checkTemplateMatches, checkWorkloadSelector } from '../checks/workload.ts'
import { defaultClaim } from '../core/persistent-volume-claim.ts'
import { checkPodTemplate, checkRunsForever } from '../core/pod-spec/pod-spec.ts'
import { warnOfClaim } from '../core/pod-spec/volume-warnings.ts'
import { templateWarnings } from '../core/pod-spec/warnings.ts'
import { mapSame, withDefaults, withField } from '../defaults/patch.ts'
import { defaultTemplateOf } from '../defaults/pod-spec.ts'
import { isOn } from '../features/scope.ts'
import { statefulSet as statefulSetResource } from '../generated/resources.ts'
import type {
  PersistentVolumeClaim,
  PodTemplateSpec,
  RollingUpdateStatefulSetStrategy,
  StatefulSet,
  StatefulSetSpec,
  StatefulSetUpdateStrategy,
  Volume,
} from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const someUnavailable = (): { readonly maxUnavailable?: number } => (isOn('MaxUnavailableStatefulSet') ? { maxUnavailable: 1 } : {})

const defaultStrategy = (strategy: StatefulSetUpdateStrategy | undefined): StatefulSetUpdateStrategy => {
  if (strategy?.type === undefined)
    return { ...strategy, type: 'RollingUpdate', rollingUpdate: { partition: 0, ...someUnavailable(), ...strategy?.rollingUpdate } }
  if (strategy.type !== 'RollingUpdate' || strategy.rollingUpdate === undefined) return strategy
  return withField(strategy, 'rollingUpdate', withDefaults(strategy.rollingUpdate, { partition: 0, ...someUnavailable() }))
}

/** Claim templates are whole claims, named as such. */
const defaultTemplate = (claim: PersistentVolumeClaim): PersistentVolumeClaim => {
  const named = withField(withField(claim, 'apiVersion', 'v1'), 'kind', 'PersistentVolumeClaim')
  const next = defaultClaim(named)
  return next.spec?.volumeMode === undefined ? { ...next, spec: { ...next.spec, volumeMode: 'Filesystem' } } : next
}

const defaultSpec = (spec: StatefulSetSpec): StatefulSetSpec => {
  let next = withField(defaultTemplateOf(spec), 'updateStrategy', defaultStrategy(spec.updateStrategy))
  if (next.volumeClaimTemplates) next = withField(next, 'volumeClaimTemplates', mapSame(next.volumeClaimTemplates, defaultTemplate))
  const retention = withDefaults(next.persistentVolumeClaimRetentionPolicy ?? {}, { whenDeleted: 'Retain', whenScaled: 'Retain' })
  next = withField(next, 'persistentVolumeClaimRetentionPolicy', retention)
  return withDefaults(next, { podManagementPolicy: 'OrderedReady', replicas: 1, revisionHistoryLimit: 10 })
}

const checkUnavailable = (faults: Faults, value: number | string, path: string): void => {
  checkIntOrPercent(faults, value, path)
  if (magnitude(value) === 0) faults.push(invalidShown(path, goIntOrString(value), 'cannot be 0'))
  checkAtMostAll(faults, value, path)
}

const goRollingUpdate = ({ partition = 0, maxUnavailable }: RollingUpdateStatefulSetStrategy): string =>
  `apps.RollingUpdateStatefulSetStrategy{Partition:${partition}, MaxUnavailable:${goPointer('intstr.IntOrString', maxUnavailable)}}`

const checkStrategy = (faults: Faults, strategy: StatefulSetUpdateStrategy): void => {
  const path = 'spec.updateStrategy'
  const { type = '' as string, rollingUpdate } = strategy
  if (type === '') faults.push(required(path))
  else if (type === 'RollingUpdate') {
    checkNonNegative(faults, rollingUpdate?.partition, `${path}.rollingUpdate.partition`)
    if (rollingUpdate?.maxUnavailable !== undefined)
      checkUnavailable(faults, rollingUpdate.maxUnavailable, `${path}.rollingUpdate.maxUnavailable`)
  } else if (type === 'OnDelete') {
    if (rollingUpdate)
      faults.push(invalidShown(`${path}.rollingUpdate`, goRollingUpdate(rollingUpdate), "only allowed for updateStrategy 'RollingUpdate'"))
  } else {
    const shown = `apps.StatefulSetUpdateStrategy{Type:${quoted(type)}, RollingUpdate:${goPointer('apps.RollingUpdateStatefulSetStrategy', rollingUpdate)}}`
    faults.push(invalidShown(path, shown, "must be 'RollingUpdate' or 'OnDelete'"))
  }
}

/** The pods' volumes are those of the template and those that the claim templates stand for. */
const withClaims = (template: PodTemplateSpec | undefined, claims: readonly PersistentVolumeClaim[]): PodTemplateSpec | undefined => {
  if (claims.length === 0 || template?.spec === undefined) return template
  const names = new Set(claims.map((claim) => claim.metadata?.name ?? ''))
  const kept = (template.spec.volumes ?? []).filter((volume) => !names.has(volume.name))
  const added = [...names].map((name): Volume => ({ name, persistentVolumeClaim: { claimName: name } }))
  return { ...template, spec: { ...template.spec, volumes: [...kept, ...added] } }
}

const checkSpec = (faults: Faults, spec: StatefulSetSpec, wholeTemplate: boolean): void => {
  const policy = spec.podManagementPolicy ?? ('' as string)
  if (policy === '') faults.push(required('spec.podManagementPolicy'))
  else if (policy !== 'OrderedReady' && policy !== 'Parallel')
    faults.push(invalidValue('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"))
  checkStrategy(faults, spec.updateStrategy ?? {})
  const retention = spec.persistentVolumeClaimRetentionPolicy
  for (const field of ['whenDeleted', 'whenScaled'] as const)
    checkSupported(faults, retention?.[field], ['Retain', 'Delete'], `spec.persistentVolumeClaimRetentionPolicy.${field}`)
  checkNonNegative(faults, spec.replicas, 'spec.replicas')
  checkNonNegative(faults, spec.minReadySeconds, 'spec.minReadySeconds')
  checkNonNegative(faults, spec.ordinals?.start, 'spec.ordinals.start')
  checkWorkloadSelector(faults, spec.selector, 'statefulset')
  checkTemplateMatches(faults, spec.selector, spec.template, '')
  if (wholeTemplate) checkPodTemplate(faults, withClaims(spec.template, spec.volumeClaimTemplates ?? []), 'spec.template')
  checkRunsForever(faults, spec.template, 'StatefulSet', 'spec.template')
}

const mutable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const

const fixedPart = (spec: StatefulSetSpec): object => {
  const rest: Record<string, unknown> = { ...spec }
  for (const field of mutable) delete rest[field]
  // Their status says nothing of what is wanted.
  const claims = spec.volumeClaimTemplates?.map(({ status: _, ...claim }) => claim)
  return claims ? { ...rest, volumeClaimTemplates: claims } : rest
}

const onlyMutable =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

const counts = [
  'replicas',
  'readyReplicas',
  'currentReplicas',
  'updatedReplicas',
  'availableReplicas',
  'observedGeneration',
  'collisionCount',
]

const warningsOf = ({ metadata, spec }: StatefulSet, old: StatefulSet | undefined): readonly string[] => {
  const changed = old === undefined || old.metadata.generation !== metadata.generation
  const warnings = changed ? [...templateWarnings(spec.template, 'spec.template')] : []
  // Upstream's path on update has the Go name of the field.
  spec.volumeClaimTemplates?.forEach((claim, index) => {
    warnOfClaim(warnings, claim.spec, `spec.volumeClaimTemplates[${index}]${old ? '.Spec' : ''}`)
  })
  if ((spec.revisionHistoryLimit ?? 0) < 0)
    warnings.push('spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended')
  return warnings
}

export const statefulSet = defineKind<StatefulSet>(statefulSetResource, {
  default: (object) => withField(object, 'spec', defaultSpec(object.spec)),
  warnings: warningsOf,
  // It becomes the host name of its pods.
  validateName: nameIsDnsLabel,
  validate: (next) =>
    collect((faults) => {
      checkSpec(faults, next.spec, true)
      const name = next.spec.serviceName
      if (name) addInvalid(faults, isDns1123Label(name), name, 'spec.serviceName')
    }),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkSpec(faults, next.spec, !same(next.spec.template, old.spec.template))
      if (!same(fixedPart(next.spec), fixedPart(old.spec))) faults.push(forbiddenField('spec', onlyMutable))
    }),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next, old) =>
        collect((faults) => {
          checkCounts(faults, next.status, counts, ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'])
          const available = next.status?.availableReplicas ?? 0
          if (available > (next.status?.readyReplicas ?? 0))
            faults.push(invalidValue('status.availableReplicas', available, 'cannot be greater than status.readyReplicas'))
          checkCollisions(faults, next.status?.collisionCount, old.status?.collisionCount)
        }),
    },
  },
})
