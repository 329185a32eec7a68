import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from '@skiff/api'
import { statefulSet as statefulSets } from '@skiff/api'
import type { Draft } from '@skiff/client'
import { controlledBy } from '../ownership.ts'
import { podFromTemplate } from '../pods.ts'

const nameLabel = 'statefulset.kubernetes.io/pod-name'
const indexLabel = 'apps.kubernetes.io/pod-index'
export const revisionLabel = 'controller-revision-hash'

export const podName = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`
export const claimName = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string =>
  `${template.metadata.name}-${podName(set, ordinal)}`

/** The pod's ordinal in `set`; undefined for a pod that is none of its members. */
export const ordinalOf = (set: StatefulSet, name: string): number | undefined => {
  const prefix = `${set.metadata.name}-`
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : ''
  return /^[0-9]{1,10}$/.test(digits) ? Number(digits) : undefined
}
export const revisionOf = (pod: Pod): string => pod.metadata.labels?.[revisionLabel] ?? ''

const identityLabels = (name: string, ordinal: number) => ({ [nameLabel]: name, [indexLabel]: String(ordinal) })

/** Volumes of the claims, which replace volumes of the same name that the template has. */
const volumesOf = (set: StatefulSet, ordinal: number, volumes: NonNullable<PodTemplateSpec['spec']>['volumes']) => {
  const templates = set.spec.volumeClaimTemplates ?? []
  const claimed = templates.map((one) => ({
    name: one.metadata.name,
    persistentVolumeClaim: { claimName: claimName(set, one, ordinal) },
  }))
  const rest = (volumes ?? []).filter((volume) => !templates.some((one) => one.metadata.name === volume.name))
  return [...claimed, ...rest]
}

/** The member `ordinal` as `template` wants it, which may be that of an older revision. */
export const memberPod = (set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Draft<Pod> => {
  const name = podName(set, ordinal)
  const draft = podFromTemplate(template, controlledBy(statefulSets, set), set.metadata.namespace)
  const volumes = volumesOf(set, ordinal, template.spec?.volumes)
  return {
    ...draft,
    metadata: {
      ...draft.metadata,
      name,
      labels: { ...draft.metadata.labels, ...identityLabels(name, ordinal), [revisionLabel]: revision },
    },
    spec: {
      ...draft.spec,
      hostname: name,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  }
}

/** The pod with the labels that make it a member; the same value when it has the one of its name, which alone is asked for. */
export const withIdentity = (pod: Pod, ordinal: number): Pod => {
  const { name, labels: held } = pod.metadata
  if (held?.[nameLabel] === name) return pod
  return { ...pod, metadata: { ...pod.metadata, labels: { ...held, ...identityLabels(name, ordinal) } } }
}

/** The claims of one member, as they are made when they are missing. */
export const memberClaims = (set: StatefulSet, ordinal: number): readonly Draft<PersistentVolumeClaim>[] =>
  (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    ...template,
    metadata: {
      ...(template.metadata.annotations ? { annotations: template.metadata.annotations } : {}),
      name: claimName(set, template, ordinal),
      ...(set.metadata.namespace ? { namespace: set.metadata.namespace } : {}),
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
    },
  }))
