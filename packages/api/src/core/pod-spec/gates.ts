import { mapSame, withField } from '../../defaults/patch.ts'
import type { Container, EphemeralContainer, PodSpec, PodTemplateSpec, Volume } from '../../generated/types.ts'

// Fields whose feature gate is off in 1.33 are dropped on the way in, unless the old object has them.

const without = <T extends object, K extends keyof T>(object: T, field: K): T => {
  if (object[field] === undefined) return object
  const { [field]: _, ...rest } = object
  return rest as unknown as T
}

const dropFromContainer = <T extends Container | EphemeralContainer>(container: T): T => {
  let next = container
  if (next.resources?.claims) next = { ...next, resources: without(next.resources, 'claims') }
  if (next.lifecycle?.stopSignal) next = { ...next, lifecycle: without(next.lifecycle, 'stopSignal') }
  return next
}

const dropFromVolume = (volume: Volume): Volume => {
  if (volume.image) return without(volume, 'image')
  const { projected } = volume
  if (!projected?.sources?.some((source) => source.clusterTrustBundle)) return volume
  return { ...volume, projected: { ...projected, sources: projected.sources.map((source) => without(source, 'clusterTrustBundle')) } }
}

/** PodLevelResources, DynamicResourceAllocation, ImageVolume, ClusterTrustBundleProjection and ContainerStopSignals. */
export const dropDisabledFields = (spec: PodSpec, old: PodSpec | undefined): PodSpec => {
  let next = spec
  if (!old?.resources) next = without(next, 'resources')
  if (!old?.resourceClaims) {
    next = without(next, 'resourceClaims')
    if (next.containers) next = withField(next, 'containers', mapSame(next.containers, dropFromContainer))
    if (next.initContainers) next = withField(next, 'initContainers', mapSame(next.initContainers, dropFromContainer))
  }
  if (next.volumes && !old?.volumes?.some((volume) => dropFromVolume(volume) !== volume))
    next = withField(next, 'volumes', mapSame(next.volumes, dropFromVolume))
  return next
}

/** The same for the template in a workload's spec. */
export const dropDisabledTemplateFields = <S extends { readonly template?: PodTemplateSpec }>(spec: S, old: S | undefined): S => {
  const inner = spec.template?.spec
  if (inner === undefined) return spec
  const next = dropDisabledFields(inner, old?.template?.spec)
  return next === inner ? spec : { ...spec, template: { ...spec.template, spec: next } }
}
