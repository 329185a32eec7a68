import { collect } from '../checks/faults.ts'
import { mapSame, withField } from '../defaults/patch.ts'
import { defaultPodSpec } from '../defaults/pod-spec.ts'
import { pod as podResource } from '../generated/resources.ts'
import type { Container, Pod, PodSpec, PodStatus } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { checkNewPod } from './pod-spec/pod.ts'
import { preparePod } from './pod-spec/pod-create.ts'
import { checkEphemeralUpdate, prepareEphemeral } from './pod-spec/pod-ephemeral.ts'
import { checkResize, prepareResize } from './pod-spec/pod-resize.ts'
import { checkPodStatusUpdate } from './pod-spec/pod-status.ts'
import { checkPodUpdate } from './pod-spec/pod-update.ts'
import { podWarnings } from './pod-spec/warnings.ts'

/** Requests default to limits in pods alone, so that a template shows what its author wrote. */
const requestsFromLimits = (container: Container): Container => {
  const { limits, requests = {} } = container.resources ?? {}
  for (const name in limits)
    if (!Object.hasOwn(requests, name)) return { ...container, resources: { ...container.resources, requests: { ...limits, ...requests } } }
  return container
}

const hostPorts = (container: Container): Container => {
  if (container.ports === undefined) return container
  return withField(
    container,
    'ports',
    mapSame(container.ports, (port) => (port.hostPort || !port.containerPort ? port : { ...port, hostPort: port.containerPort })),
  )
}

const defaultSpec = (spec: PodSpec): PodSpec => {
  const fill = spec.hostNetwork ? (container: Container) => hostPorts(requestsFromLimits(container)) : requestsFromLimits
  let next = defaultPodSpec(spec)
  if (next.containers) next = withField(next, 'containers', mapSame(next.containers, fill))
  if (next.initContainers) next = withField(next, 'initContainers', mapSame(next.initContainers, fill))
  return next.enableServiceLinks === undefined ? { ...next, enableServiceLinks: true } : next
}

/** podIP is the old name of the first of podIPs, and wins where they differ. */
const defaultStatus = (status: PodStatus): PodStatus => {
  const first = status.podIPs?.[0]?.ip
  if (status.podIP === first) return status
  return status.podIP ? { ...status, podIPs: [{ ip: status.podIP }] } : { ...status, podIP: first as string }
}

export const pod = defineKind<Pod>(podResource, {
  default: (object) => {
    const next = withField(object, 'spec', defaultSpec(object.spec))
    return next.status ? withField(next, 'status', defaultStatus(next.status)) : next
  },
  prepareForCreate: preparePod,
  // People rarely write over a pod themselves.
  warnings: (next, old) => (old === undefined ? podWarnings(next) : []),
  validate: (next) => collect((faults) => checkNewPod(faults, next)),
  validateUpdate: (next, old) => collect((faults) => checkPodUpdate(faults, next, old)),
  gracePeriodSeconds: (object, asked) => {
    const phase = object.status?.phase
    // Nothing runs that would need time.
    if (!object.spec.nodeName || phase === 'Failed' || phase === 'Succeeded') return 0
    const seconds = asked ?? object.spec.terminationGracePeriodSeconds ?? 0
    return seconds < 0 ? 1 : seconds
  },
  ignoredFields: { status: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'] },
  subresources: {
    status: {
      prepareForUpdate: (next, old) => {
        const { ownerReferences: _, ...metadata } = next.metadata
        const { ownerReferences } = old.metadata
        return {
          ...next,
          metadata: { ...metadata, ...(ownerReferences ? { ownerReferences } : {}) },
          spec: old.spec,
          status: { ...next.status, qosClass: next.status?.qosClass ?? old.status?.qosClass },
        }
      },
      validateUpdate: (next, old) => collect((faults) => checkPodStatusUpdate(faults, next, old)),
    },
    ephemeralcontainers: {
      prepareForUpdate: prepareEphemeral,
      validateUpdate: (next, old) => collect((faults) => checkEphemeralUpdate(faults, next, old)),
    },
    resize: {
      prepareForUpdate: prepareResize,
      validateUpdate: (next, old) => collect((faults) => checkResize(faults, next, old)),
    },
  },
})
