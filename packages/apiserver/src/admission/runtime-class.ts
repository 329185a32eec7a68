import type { Pod, RuntimeClass } from '@skiff/api'
import { compareQuantities, forbidden } from '@skiff/machinery'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { lookup } from './lookup.ts'
import { createdPod } from './pod-request.ts'
import type { AdmissionSources } from './sources.ts'

const pods = { group: '', resource: 'pods' }

/** Gives a pod the overhead and the placement of its runtime class. */
export const runtimeClass = (sources: AdmissionSources): AdmissionPlugin => {
  const classes = lookup<RuntimeClass>(sources, 'node.k8s.io', 'v1', 'runtimeclasses')
  return {
    name: 'RuntimeClass',
    mutate: (request) => {
      const pod = createdPod(request)
      if (!pod) return request.object
      const name = pod.spec.runtimeClassName
      if (name === undefined) {
        if (Object.keys(pod.spec.overhead ?? {}).length > 0)
          throw forbidden(pods, request.name, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
        return pod
      }
      return classes.get(name).then((found) => {
        if (!found) throw forbidden(pods, request.name, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
        return placed(request, withOverhead(request, pod, found), found)
      })
    },
  }
}

const withOverhead = (request: AdmissionRequest, pod: Pod, { overhead }: RuntimeClass): Pod => {
  const fixed = overhead?.podFixed ?? {}
  const given = pod.spec.overhead
  if (!given || Object.keys(given).length === 0) return overhead?.podFixed ? { ...pod, spec: { ...pod.spec, overhead: fixed } } : pod
  const names = new Set([...Object.keys(fixed), ...Object.keys(given)])
  const same = [...names].every(
    (name) => fixed[name] !== undefined && given[name] !== undefined && compareQuantities(fixed[name], given[name]) === 0,
  )
  if (!same) throw forbidden(pods, request.name, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
  return pod
}

const placed = (request: AdmissionRequest, pod: Pod, { scheduling }: RuntimeClass): Pod => {
  if (!scheduling) return pod
  const nodeSelector: Record<string, string> = { ...pod.spec.nodeSelector }
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const held = nodeSelector[key]
    if (held !== undefined && held !== value)
      throw forbidden(
        pods,
        request.name,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${held}`,
      )
    nodeSelector[key] = value
  }
  const tolerations = [...(pod.spec.tolerations ?? [])]
  for (const each of scheduling.tolerations ?? [])
    if (!tolerations.some((held) => JSON.stringify(held) === JSON.stringify(each))) tolerations.push(each)
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
      ...(tolerations.length > 0 ? { tolerations } : {}),
    },
  }
}
