import type { Container, LimitRange, PersistentVolumeClaim, Pod } from '@skiff/api'
import { forbidden } from '@skiff/machinery'
import { namedOf } from '../rest/context.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { claimComplaints, podComplaints } from './limit-range-checks.ts'
import { lookup } from './lookup.ts'
import { createdPod } from './pod-request.ts'
import type { AdmissionSources } from './sources.ts'

const annotation = 'kubernetes.io/limit-ranger'

/** Gives containers the namespace's default amounts, and holds pods and claims to its least and most. */
export const limitRanger = (sources: AdmissionSources): AdmissionPlugin => {
  const ranges = lookup<LimitRange>(sources, '', 'v1', 'limitranges')
  const claimOf = ({ kind, verb, subresource, object }: AdmissionRequest): PersistentVolumeClaim | undefined =>
    kind.group === '' && kind.plural === 'persistentvolumeclaims' && subresource === undefined && (verb === 'create' || verb === 'update')
      ? (object as PersistentVolumeClaim)
      : undefined
  return {
    name: 'LimitRanger',
    mutate: (request) => {
      const pod = createdPod(request)
      if (!pod || ranges.now?.tree.size === 0) return request.object
      return ranges.list(request.namespace).then((all) => all.reduce(withDefaults, pod))
    },
    validate: (request) => {
      const pod = createdPod(request)
      const claim = pod ? undefined : claimOf(request)
      if ((!pod && !claim) || ranges.now?.tree.size === 0) return undefined
      return ranges.list(request.namespace).then((all) => {
        for (const range of all) refuse(request, pod ? podComplaints(range, pod) : claimComplaints(range, claim as PersistentVolumeClaim))
        return undefined
      })
    },
  }
}

const refuse = (request: AdmissionRequest, complaints: readonly string[]): void => {
  const texts = [...new Set(complaints)]
  if (texts.length > 0)
    throw forbidden(namedOf(request.kind), request.name, texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`)
}

const withDefaults = (pod: Pod, range: LimitRange): Pod => {
  const requests: Record<string, string> = {}
  const limits: Record<string, string> = {}
  for (const item of range.spec.limits ?? []) {
    if (item.type !== 'Container') continue
    Object.assign(requests, item.defaultRequest)
    Object.assign(limits, item.default)
  }
  const notes: string[] = []
  const fill =
    (what: string) =>
    (container: Container): Container => {
      const held = container.resources ?? {}
      const missing = (defaults: Record<string, string>, list: Readonly<Record<string, string>> | undefined, kind: string) => {
        const names = Object.keys(defaults)
          .filter((name) => list?.[name] === undefined)
          .sort()
        if (names.length > 0) notes.push(`${names.join(', ')} ${kind} for ${what} ${container.name}`)
        return names.length > 0 ? { ...Object.fromEntries(names.map((name) => [name, defaults[name] as string])), ...list } : list
      }
      const newRequests = missing(requests, held.requests, 'request')
      const newLimits = missing(limits, held.limits, 'limit')
      if (newRequests === held.requests && newLimits === held.limits) return container
      return {
        ...container,
        resources: { ...held, ...(newLimits ? { limits: newLimits } : {}), ...(newRequests ? { requests: newRequests } : {}) },
      }
    }
  const containers = (pod.spec.containers ?? []).map(fill('container'))
  const initContainers = pod.spec.initContainers?.map(fill('init container'))
  if (notes.length === 0) return pod
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${notes.join('; ')}` },
    },
    spec: { ...pod.spec, containers, ...(initContainers ? { initContainers } : {}) },
  }
}
