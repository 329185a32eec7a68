import type { Container, EphemeralContainer, PodSpec, PodTemplateSpec, Volume } from '../generated/types.ts'
import { emptyOf } from './constants.ts'
import { defaultPullPolicy } from './image.ts'
import { inField, mapSame, withField } from './patch.ts'
import { roundRequirements, roundResources } from './quantities.ts'

const podSpecType = 'io.k8s.api.core.v1.PodSpec'

const defaultContainer = <T extends Container | EphemeralContainer>(container: T): T => {
  const pulled =
    container.imagePullPolicy === undefined ? { ...container, imagePullPolicy: defaultPullPolicy(container.image ?? '') } : container
  const resources = pulled.resources && roundRequirements(pulled.resources)
  return resources === pulled.resources ? pulled : { ...pulled, resources }
}

const noSource: Volume['emptyDir'] = {}
const defaultVolume = (volume: Volume): Volume => {
  for (const field in volume) if (field !== 'name') return defaultVolumeParts(volume)
  return { ...volume, emptyDir: noSource }
}

/** An image's volume is pulled as a container's image is, and a claim made for the pod is defaulted as a claim is. */
const defaultVolumeParts = (volume: Volume): Volume => {
  if (volume.image && volume.image.pullPolicy === undefined)
    return { ...volume, image: { ...volume.image, pullPolicy: defaultPullPolicy(volume.image.reference ?? '') } }
  const template = volume.ephemeral?.volumeClaimTemplate
  if (template?.spec === undefined) return volume
  const resources = template.spec.resources && roundRequirements(template.spec.resources)
  if (resources === template.spec.resources) return volume
  return { ...volume, ephemeral: { ...volume.ephemeral, volumeClaimTemplate: { ...template, spec: { ...template.spec, resources } } } }
}

/** Defaults of a pod's spec, in pods and in templates alike; constants are there already. */
export const defaultPodSpec = (spec: PodSpec): PodSpec => {
  let next = inField(spec, 'containers', (list) => mapSame(list, defaultContainer))
  if (next.initContainers) next = inField(next, 'initContainers', (list) => mapSame(list, defaultContainer))
  if (next.ephemeralContainers) next = inField(next, 'ephemeralContainers', (list) => mapSame(list, defaultContainer))
  if (next.volumes) next = inField(next, 'volumes', (list) => mapSame(list, defaultVolume))
  if (next.overhead) next = inField(next, 'overhead', roundResources)
  return aliasServiceAccount(next)
}

/** serviceAccount is the old name of serviceAccountName, which wins; both are always shown. */
const aliasServiceAccount = (spec: PodSpec): PodSpec => {
  if (spec.serviceAccountName === spec.serviceAccount) return spec
  if (!spec.serviceAccountName) return { ...spec, serviceAccountName: spec.serviceAccount as string }
  return withField(spec, 'serviceAccount', spec.serviceAccountName)
}

/** A template's spec is there even when nothing was sent: Go holds it by value. */
export const defaultPodTemplate = (template: PodTemplateSpec | undefined): PodTemplateSpec => {
  const present = template ?? {}
  return withField(present, 'spec', defaultPodSpec(present.spec ?? emptyOf<PodSpec>(podSpecType)))
}

/** Defaults the template in the spec of a workload. */
export const defaultTemplateOf = <S extends { readonly template?: PodTemplateSpec }>(spec: S): S =>
  withField(spec, 'template', defaultPodTemplate(spec.template) as S['template'])
