import type { HorizontalPodAutoscaler, Resource } from '@skiff/api'
import { isRefusal, type KubeObject, rfc3339 } from '@skiff/machinery'
import { event, fetch, reasonOf, type Step, type Steps, updatePart } from '../runner/step.ts'
import { type Decision, type Scale, setCondition, statusWith } from './decide.ts'
import { writeStatus } from './horizontal-status.ts'
import { longestPeriod } from './limits.ts'
import { type Memory, scaled } from './memory.ts'

export interface Rescale {
  readonly hpa: HorizontalPodAutoscaler
  readonly resource: Resource
  readonly scale: Scale
  readonly decision: Decision
  readonly size: number
  readonly keep: (memory: Memory) => Step
  readonly nowMs: number
}

// As upstream's retries of a conflict.
const mostTries = 5

/** Gives the target its new size, tells of it and notes it for the policies. */
export const rescale = (job: Rescale, tries = 1): Steps => {
  const { hpa, resource, scale, size } = job
  const { namespace = '', name } = { namespace: hpa.metadata.namespace, name: scale.metadata.name }
  const again = (): Steps => [
    fetch(
      { verb: 'get', resource, target: { ...(resource.namespaced ? { namespace } : {}), name, subresource: 'scale' }, query: {} },
      { done: (fresh) => rescale({ ...job, scale: fresh as Scale }, tries + 1), failed: (error) => refused(job, error) },
    ),
  ]
  const wanted = { ...scale, spec: { ...scale.spec, replicas: size } } as unknown as KubeObject
  return [
    updatePart(resource, 'scale', wanted, {
      done: () => done(job),
      failed: (error) => (isRefusal(error, 409) && tries < mostTries ? again() : refused(job, error)),
    }),
  ]
}

const done = ({ hpa, scale, decision, size, keep, nowMs }: Rescale): Steps => {
  const before = scale.spec?.replicas ?? 0
  const { behavior } = hpa.spec
  const { status } = decision
  const message = `the HPA controller was able to update the target scale to ${size}`
  const conditions = setCondition(status.conditions, 'AbleToScale', 'True', 'SucceededRescale', message, nowMs)
  return [
    // Policies alone ask for changes.
    keep(behavior ? scaled(decision.memory, before, size, longestPeriod(behavior), nowMs) : decision.memory),
    event(hpa, 'Normal', 'SuccessfulRescale', `New size: ${size}; reason: ${decision.why}`),
    ...writeStatus(hpa, { ...status, conditions, lastScaleTime: rfc3339(nowMs) }),
  ]
}

const refused = ({ hpa, decision, size, keep, nowMs }: Rescale, error: unknown): Steps => {
  const text = reasonOf(error)
  const message = `the HPA controller was unable to update the target scale: ${text}`
  const conditions = setCondition(decision.status.conditions, 'AbleToScale', 'False', 'FailedUpdateScale', message, nowMs)
  // Of what was decided only the size that was seen is told.
  const { currentReplicas = 0 } = decision.status
  const { desiredReplicas = 0, currentMetrics = [] } = hpa.status ?? {}
  return [
    keep(decision.memory),
    event(hpa, 'Warning', 'FailedRescale', `New size: ${size}; reason: ${decision.why}; error: ${text}`),
    ...writeStatus(hpa, statusWith(hpa, currentReplicas, desiredReplicas, currentMetrics, conditions ?? [])),
  ]
}
