import type { ControllerRevision, Pod, StatefulSet } from '@skiff/api'
import { persistentVolumeClaim as claims, pod as pods } from '@skiff/api'
import type { Views } from '@skiff/client'
import { isRefusal, keyOf } from '@skiff/machinery'
import { templateOf } from '../history/revisions.ts'
import { create, event, fail, isNamespaceTerminating, reasonOf, remove, type Step, type Steps, update } from '../runner/step.ts'
import { memberClaims, memberPod, podName, withIdentity } from './identity.ts'
import { ownClaim } from './retention.ts'

const told = (set: StatefulSet, verb: 'create' | 'update' | 'delete', name: string): Step =>
  event(set, 'Normal', reasonFor(verb, true), `${verb} Pod ${name} in StatefulSet ${set.metadata.name} successful`)
const failed =
  (set: StatefulSet, verb: 'create' | 'update' | 'delete', name: string) =>
  (error: unknown): Steps => {
    if (verb === 'create' && isNamespaceTerminating(error)) return []
    const message = `${verb} Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${reasonOf(error)}`
    return [event(set, 'Warning', reasonFor(verb, false), message), fail(error)]
  }
const reasonFor = (verb: string, ok: boolean): string => `${ok ? 'Successful' : 'Failed'}${verb[0]?.toUpperCase()}${verb.slice(1)}`

/** Makes the claims of a member that are missing, then goes on; a claim that is being deleted has to go first. */
const withClaims = (set: StatefulSet, ordinal: number, views: Views, proceed: Steps): Steps => {
  const member = podName(set, ordinal)
  const steps: Step[] = []
  for (const draft of memberClaims(set, ordinal)) {
    const { name = '', namespace } = draft.metadata
    const held = views.view(claims).get(keyOf({ metadata: { name, ...(namespace ? { namespace } : {}) } }))
    if (held?.metadata.deletionTimestamp !== undefined) return [fail(new Error(`pvc ${name} is being deleted`))]
    if (held) steps.push(...ownClaim(set, held, member, undefined))
    else
      steps.push(
        create(claims, draft, {
          done: (made) => [
            event(set, 'Normal', 'SuccessfulCreate', `create Claim ${name} Pod ${member} in StatefulSet ${set.metadata.name} success`),
            ...ownClaim(set, made, member, undefined),
          ],
          failed: (error) => {
            if (isRefusal(error, 409) || isNamespaceTerminating(error)) return []
            const message = `create Claim ${name} for Pod ${member} in StatefulSet ${set.metadata.name} failed error: ${reasonOf(error)}`
            return [event(set, 'Warning', 'FailedCreate', message), fail(error)]
          },
        }),
      )
  }
  return [...steps, ...proceed]
}

/** Claims that are missing for a pod that waits for them. */
export const restoreClaims = (set: StatefulSet, ordinal: number, views: Views): Steps => withClaims(set, ordinal, views, [])

export const createMember = (set: StatefulSet, revision: ControllerRevision, ordinal: number, views: Views): Steps => {
  const name = podName(set, ordinal)
  const draft = memberPod(set, templateOf(revision), revision.metadata.name, ordinal)
  const make = create(pods, draft, {
    done: () => [told(set, 'create', name)],
    // A pod of that name is there: ours, not seen yet, or a stranger's, which has to go before there is room.
    failed: (error) => (isRefusal(error, 409) && error.reason === 'AlreadyExists' ? [fail(error)] : failed(set, 'create', name)(error)),
  })
  return withClaims(set, ordinal, views, [make])
}

export const removeMember = (set: StatefulSet, pod: Pod): Step => {
  const { name } = pod.metadata
  return remove(pods, pod, {}, { done: () => [told(set, 'delete', name)], failed: failed(set, 'delete', name) })
}

/** Puts back labels that a member lost, and the owners of its claims. */
export const repairMember = (set: StatefulSet, pod: Pod, ordinal: number, views: Views): Steps => {
  const next = withIdentity(pod, ordinal)
  const { name } = pod.metadata
  const relabel = next === pod ? [] : [update(pods, next, { done: () => [told(set, 'update', name)], failed: failed(set, 'update', name) })]
  return [...relabel, ...claimOwners(set, name, ordinal, views, undefined)]
}

/** `condemned` is the pod itself when it is about to be scaled away. */
export const claimOwners = (set: StatefulSet, member: string, ordinal: number, views: Views, condemned: Pod | undefined): Steps =>
  memberClaims(set, ordinal).flatMap(({ metadata: { name = '', namespace } }) => {
    const held = views.view(claims).get(keyOf({ metadata: { name, ...(namespace ? { namespace } : {}) } }))
    return held && held.metadata.deletionTimestamp === undefined ? ownClaim(set, held, member, condemned) : []
  })
