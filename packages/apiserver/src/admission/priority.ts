import type { Pod, PodSpec, PriorityClass } from '@skiff/api'
import { forbidden } from '@skiff/machinery'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { lookup } from './lookup.ts'
import { createdPod, updatedPod } from './pod-request.ts'
import type { AdmissionSources } from './sources.ts'

const systemClasses = new Set(['system-cluster-critical', 'system-node-critical'])

/** Turns a pod's priority class into its priority and preemption policy; one class at most is the default of all. */
export const priority = (sources: AdmissionSources): AdmissionPlugin => {
  const classes = lookup<PriorityClass>(sources, 'scheduling.k8s.io', 'v1', 'priorityclasses')
  const globalDefault = async (): Promise<PriorityClass | undefined> => {
    const all = (await classes.list()).filter((each) => each.globalDefault)
    return all.sort((a, b) => a.value - b.value)[0]
  }
  const create = async (request: AdmissionRequest, pod: Pod): Promise<Pod> => {
    const name = pod.spec.priorityClassName
    const chosen = name ? await classes.get(name) : await globalDefault()
    if (name && !chosen) throw forbidden({ group: '', resource: 'pods' }, request.name, `no PriorityClass with name ${name} was found`)
    return withPriority(request, pod, chosen)
  }
  return {
    name: 'Priority',
    mutate: (request) => {
      const written = updatedPod(request)
      if (written) return keepPriority(written, request.old as Pod)
      const pod = createdPod(request)
      return pod ? create(request, pod) : request.object
    },
    validate: async (request) => {
      const { kind, verb, object } = request
      if (kind.group !== 'scheduling.k8s.io' || kind.plural !== 'priorityclasses') return undefined
      if (verb === 'delete') {
        // Not the plugin's word upstream but the storage's; the answer is the same.
        if (systemClasses.has(request.name))
          throw forbidden(
            { group: kind.group, resource: kind.plural },
            request.name,
            'this is a system priority class and cannot be deleted',
          )
        return undefined
      }
      const next = object as PriorityClass
      if (!next.globalDefault) return undefined
      const held = await globalDefault()
      if (held && held.metadata.name !== next.metadata.name)
        throw forbidden(
          { group: kind.group, resource: kind.plural },
          next.metadata.name,
          `PriorityClass ${held.metadata.name} is already marked as default. Only one default can exist`,
        )
      return undefined
    },
  }
}

/** Whoever writes a pod over without what was worked out for it changes nothing of that. */
const keepPriority = (pod: Pod, old: Pod): Pod => {
  const kept: { -readonly [K in keyof PodSpec]?: PodSpec[K] } = {}
  if (pod.spec.priority === undefined && old.spec.priority !== undefined) kept.priority = old.spec.priority
  if (pod.spec.preemptionPolicy === undefined && old.spec.preemptionPolicy !== undefined) kept.preemptionPolicy = old.spec.preemptionPolicy
  return Object.keys(kept).length === 0 ? pod : { ...pod, spec: { ...pod.spec, ...kept } }
}

const withPriority = (request: AdmissionRequest, pod: Pod, chosen: PriorityClass | undefined): Pod => {
  const value = chosen?.value ?? 0
  const policy = chosen?.preemptionPolicy ?? 'PreemptLowerPriority'
  if (pod.spec.priority !== undefined && pod.spec.priority !== value)
    throw forbidden(
      { group: '', resource: 'pods' },
      request.name,
      `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    )
  if (pod.spec.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== policy)
    throw forbidden(
      { group: '', resource: 'pods' },
      request.name,
      `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    )
  return {
    ...pod,
    spec: { ...pod.spec, priority: value, preemptionPolicy: policy, ...(chosen ? { priorityClassName: chosen.metadata.name } : {}) },
  }
}
