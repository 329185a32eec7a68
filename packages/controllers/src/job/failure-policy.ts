import type { ContainerStatus, Job, Pod } from '@skiff/api'

type Rule = NonNullable<Job['spec']['podFailurePolicy']>['rules'][number]

export interface PolicyMatch {
  readonly action: Rule['action']
  readonly message: string
}

const containersOf = (pod: Pod): readonly ContainerStatus[] => [
  ...(pod.status?.containerStatuses ?? []),
  ...(pod.status?.initContainerStatuses ?? []),
]

const byExitCode = (pod: Pod, rule: Rule, at: number): PolicyMatch | undefined => {
  const wanted = rule.onExitCodes
  if (!wanted) return undefined
  for (const { name, state } of containersOf(pod)) {
    const code = state?.terminated?.exitCode
    if (code === undefined || code === 0 || (wanted.containerName && wanted.containerName !== name)) continue
    if (wanted.values.includes(code) !== (wanted.operator === 'In')) continue
    const where = `Container ${name} for pod ${pod.metadata.namespace}/${pod.metadata.name}`
    return { action: rule.action, message: `${where} failed with exit code ${code} matching ${rule.action} rule at index ${at}` }
  }
  return undefined
}

const byCondition = (pod: Pod, rule: Rule, at: number): PolicyMatch | undefined => {
  for (const { type, status } of rule.onPodConditions ?? []) {
    if (!pod.status?.conditions?.some((one) => one.type === type && one.status === (status ?? 'True'))) continue
    const where = `Pod ${pod.metadata.namespace}/${pod.metadata.name}`
    return { action: rule.action, message: `${where} has condition ${type} matching ${rule.action} rule at index ${at}` }
  }
  return undefined
}

/** What the first rule that matches a failed pod says; undefined: it counts as any failure does. */
export const matchPolicy = (job: Job, pod: Pod): PolicyMatch | undefined => {
  for (const [at, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const match = byExitCode(pod, rule, at) ?? byCondition(pod, rule, at)
    if (match) return match
  }
  return undefined
}
