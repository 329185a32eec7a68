import { compareQuantities, forbiddenField, invalidValue } from '@skiff/machinery'
import { type Faults, isEmptyMap, same } from '../../checks/faults.ts'
import type { Container, Pod, ResourceRequirements } from '../../generated/types.ts'
import { mirrorAnnotation } from './annotations.ts'
import { isRestartable } from './context.ts'
import { checkPod, withSpec } from './pod.ts'
import { qosClass } from './qos.ts'

/** Of what is sent to `resize`, resources and their policies alone count. */
export const prepareResize = (next: Pod, old: Pod): Pod => {
  const resized = (list: readonly Container[] | undefined, before: readonly Container[] | undefined) => {
    if (list === undefined || before === undefined || list.length !== before.length) return list
    return before.map((container, index) => {
      const { resources, resizePolicy } = list[index] as Container
      const { resources: _, resizePolicy: __, ...rest } = container
      return { ...rest, ...(resources ? { resources } : {}), ...(resizePolicy ? { resizePolicy } : {}) }
    })
  }
  const initContainers = resized(next.spec.initContainers, old.spec.initContainers)
  const containers = resized(next.spec.containers, old.spec.containers) ?? []
  return withSpec(next, old, { ...old.spec, containers, ...(initContainers ? { initContainers } : {}) })
}

export const checkResize = (faults: Faults, next: Pod, old: Pod): void => {
  checkPod(faults, next)
  const refusal = neverResized(old)
  if (refusal !== undefined) {
    faults.splice(0, faults.length, forbiddenField('', refusal))
    return
  }
  if (qosClass(next.spec) !== (old.status?.qosClass ?? qosClass(old.spec)))
    faults.push(invalidValue('spec', next.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'))
  const running = old.status?.containerStatuses?.find((status) => status.state?.running)
  if (running && !running.resources) faults.push(forbiddenField('spec', 'Pod running on node without support for resize'))
  checkList(faults, next.spec.initContainers, old.spec.initContainers, true, 'spec.initContainers')
  checkList(faults, next.spec.containers, old.spec.containers, false, 'spec.containers')
}

const neverResized = (old: Pod): string | undefined => {
  const { resources } = old.spec
  if (!isEmptyMap(resources?.requests) || !isEmptyMap(resources?.limits)) return 'pods with pod-level resources cannot be resized'
  if (Object.hasOwn(old.metadata.annotations ?? {}, mirrorAnnotation)) return 'static pods cannot be resized'
  return old.spec.os?.name === 'windows' ? 'windows pods cannot be resized' : undefined
}

const checkList = (faults: Faults, next: readonly Container[] = [], old: readonly Container[] = [], init: boolean, path: string): void => {
  if (next.length !== old.length) {
    faults.push(forbiddenField('spec', 'only cpu and memory resources are mutable'))
    return
  }
  next.forEach((container, index) => {
    const before = old[index] as Container
    if (init && !isRestartable(before)) {
      if (!same(container, before)) faults.push(forbiddenField('spec', 'resources for non-sidecar init containers are immutable'))
      return
    }
    checkContainerResize(faults, container, before.resources ?? {}, `${path}[${index}].resources`)
    const others = init ? 'only cpu and memory resources for sidecar containers are mutable' : 'only cpu and memory resources are mutable'
    if (!sameButCpuAndMemory(container.resources, before.resources)) faults.push(forbiddenField('spec', others))
  })
}

const checkContainerResize = (faults: Faults, next: Container, old: ResourceRequirements, path: string): void => {
  const { requests = {}, limits = {} } = next.resources ?? {}
  const lost = (after: object, before: object = {}) => Object.keys(before).some((name) => !Object.hasOwn(after, name))
  if (lost(requests, old.requests)) faults.push(forbiddenField(`${path}.requests`, 'resource requests cannot be removed'))
  if (lost(limits, old.limits)) faults.push(forbiddenField(`${path}.limits`, 'resource limits cannot be removed'))
  const policy = next.resizePolicy?.find((each) => each.resourceName === 'memory')?.restartPolicy ?? 'NotRequired'
  const limit = limits.memory
  if (policy !== 'NotRequired' || limit === undefined) return
  const before = old.limits?.memory
  if (before === undefined)
    faults.push(forbiddenField(`${path}.limits[memory]`, 'memory limits cannot be added unless resizePolicy is RestartContainer'))
  else if (compareQuantities(limit, before) < 0)
    faults.push(forbiddenField(`${path}.limits[memory]`, 'memory limits cannot be decreased unless resizePolicy is RestartContainer'))
}

const sameButCpuAndMemory = (next: ResourceRequirements = {}, old: ResourceRequirements = {}): boolean => {
  const rest = (list: Readonly<Record<string, string>> | undefined) => {
    const { cpu: _, memory: __, ...others } = list ?? {}
    return others
  }
  return same(rest(next.limits), rest(old.limits)) && same(rest(next.requests), rest(old.requests)) && same(next.claims, old.claims)
}
