import type { ConfigMap, Secret, ServiceAccount } from '@skiff/api'
import { configMap as configMaps, pod as pods, secret as secrets, serviceAccount as serviceAccounts } from '@skiff/api'
import type { Views } from '@skiff/client'
import { isRefusal, rfc3339 } from '@skiff/machinery'
import { type Controller, reading } from '../runner/controller.ts'
import { patch, read, remove, requeue, type Step, type Steps, targetOf, together } from '../runner/step.ts'
import { secretsOfPod } from './pod-secrets.ts'

const tokenType = 'kubernetes.io/service-account-token'
const lastUsedLabel = 'kubernetes.io/legacy-token-last-used'
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since'
const tracking = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' }
const dayMs = 24 * 3600 * 1000
// Upstream's --legacy-service-account-token-clean-up-period.
const unusedMs = 365 * dayMs

const dayOf = (ms: number): string => rfc3339(ms).slice(0, 10)
/** When the day began, in ms; undefined for what is no day. */
const startOf = (day: string | undefined): number | undefined =>
  day !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(day) || undefined : undefined

/**
 * Looks at tokens that were made for accounts unasked, as before 1.24: one that nobody used for a year is marked as invalid, and removed a
 * year after that. Only once the API server has tracked their use for as long.
 */
export const planLegacyTokens = (views: Views, nowMs: number): Steps => {
  const done = (held: ConfigMap | undefined): Steps => {
    const since = startOf(held?.data?.since)
    // From the first whole day on.
    if (since === undefined || nowMs < since + dayMs + unusedMs) return []
    const steps = [...views.view(secrets).list()].flatMap((secret) => planToken(secret, views, nowMs))
    return steps.length > 0 ? [together(steps)] : []
  }
  return [requeue(dayMs), read(configMaps, tracking, { done })]
}

const planToken = (secret: Secret, views: Views, nowMs: number): Step[] => {
  const { creationTimestamp, deletionTimestamp, labels, uid } = secret.metadata
  if (secret.type !== tokenType || deletionTimestamp !== undefined || Date.parse(creationTimestamp) >= nowMs - unusedMs) return []
  const lastUsed = labels?.[lastUsedLabel]
  const keptFrom = dayOf(nowMs - unusedMs)
  if (lastUsed !== undefined && (startOf(lastUsed) === undefined || lastUsed >= keptFrom)) return []
  if (!isMadeUnasked(secret, views) || isInUse(secret, views)) return []
  const invalidSince = labels?.[invalidSinceLabel]
  if (startOf(invalidSince) === undefined) return [markInvalid(secret, uid, nowMs)]
  if ((invalidSince ?? '') >= keptFrom) return []
  return [remove(secrets, secret, { sameVersion: true }, { failed: ignoreRefusal })]
}

const markInvalid = (secret: Secret, uid: string, nowMs: number): Step =>
  patch(secrets, targetOf(secret), 'merge', { metadata: { uid, labels: { [invalidSinceLabel]: dayOf(nowMs) } } }, { failed: ignoreRefusal })

/** It changed or went: the next look sees it as it is. */
const ignoreRefusal = (error: unknown): Steps | undefined => (isRefusal(error, 404) || isRefusal(error, 409) ? [] : undefined)

/** The account names it: of one that a user made nobody knows what it is for. */
const isMadeUnasked = ({ metadata }: Secret, views: Views): boolean => {
  const { 'kubernetes.io/service-account.name': name, 'kubernetes.io/service-account.uid': uid } = metadata.annotations ?? {}
  const account: ServiceAccount | undefined = views.view(serviceAccounts).get(`${metadata.namespace}/${name ?? ''}`)
  return (
    account !== undefined && (!uid || uid === account.metadata.uid) && account.secrets?.some((each) => each.name === metadata.name) === true
  )
}

const isInUse = ({ metadata: { namespace = '', name } }: Secret, views: Views): boolean =>
  [...views.view(pods).list(namespace)].some((pod) => secretsOfPod(pod).has(name))

export const legacyTokenCleanerController = (): Controller => ({
  name: 'legacy-serviceaccount-token-cleaner-controller',
  account: 'legacy-service-account-token-cleaner',
  component: 'legacy-service-account-token-cleaner',
  watches: () => [reading(secrets), reading(serviceAccounts), reading(pods)],
  initial: ['tokens'],
  plan: (_key, views, nowMs) => planLegacyTokens(views, nowMs),
})
