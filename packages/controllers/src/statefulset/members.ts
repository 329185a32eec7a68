import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from '@skiff/api'
import { persistentVolumeClaim as claims, pod as pods } from '@skiff/api'
import type { Draft, Views } from '@skiff/client'
import { isRefusal, keyOf } from '@skiff/machinery'
import { templateOf } from '../history/revisions.ts'
import { create, event, fail, isNamespaceTerminating, reasonOf, remove, type Step, type Steps, update } from '../runner/step.ts'
import { memberClaims, memberPod, podName, withIdentity } from './identity.ts'
import { isStale, type Member, ownClaim } from './retention.ts'

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

const claimOf = (draft: Draft<PersistentVolumeClaim>, views: Views): PersistentVolumeClaim | undefined => {
  const { name = '', namespace } = draft.metadata
  return views.view(claims).get(keyOf({ metadata: { name, ...(namespace ? { namespace } : {}) } }))
}

/** Makes the claims of a member that are missing, then goes on; a claim that is being deleted has to go first. */
const withClaims = (set: StatefulSet, ordinal: number, pod: Pod | undefined, views: Views, stuck: (why: string) => Steps): Steps => {
  const member = { name: podName(set, ordinal), pod, isCondemned: false }
  const steps: Step[] = []
  const leaving: string[] = []
  for (const draft of memberClaims(set, ordinal)) {
    const { name = '' } = draft.metadata
    const held = claimOf(draft, views)
    if (held?.metadata.deletionTimestamp !== undefined) leaving.push(`pvc ${name} is being deleted`)
    else if (held) steps.push(...ownClaim(set, held, member, true))
    else
      steps.push(
        create(claims, draft, {
          done: (made) => [
            event(set, 'Normal', 'SuccessfulCreate', `create Claim ${name} Pod ${member.name} in StatefulSet ${set.metadata.name} success`),
            ...ownClaim(set, made, member, true),
          ],
          failed: (error) => {
            if (isRefusal(error, 409) || isNamespaceTerminating(error)) return []
            const message = `create Claim ${name} for Pod ${member.name} in StatefulSet ${set.metadata.name} failed error: ${reasonOf(error)}`
            return [event(set, 'Warning', 'FailedCreate', message), ...stuck(`failed to create PVC ${name}: ${reasonOf(error)}`)]
          },
        }),
      )
  }
  // As upstream's aggregate of errors.
  const all = leaving.length > 1 ? `[${leaving.join(', ')}]` : leaving[0]
  return all === undefined ? steps : [...steps, ...stuck(all)]
}

/** Claims that are missing for a pod that waits for them. */
export const restoreClaims = (set: StatefulSet, ordinal: number, pod: Pod, views: Views): Steps =>
  withClaims(set, ordinal, pod, views, (why) => [fail(new Error(why))])

/** A claim that went with the member of before, and is still there. */
export const waitsForClaims = (set: StatefulSet, ordinal: number, views: Views): boolean =>
  memberClaims(set, ordinal).some((draft) => {
    const held = claimOf(draft, views)
    return held !== undefined && isStale(set, held, podName(set, ordinal))
  })

export const createMember = (set: StatefulSet, revision: ControllerRevision, ordinal: number, views: Views): Steps => {
  const name = podName(set, ordinal)
  const draft = memberPod(set, templateOf(revision), revision.metadata.name, ordinal)
  const make = create(pods, draft, {
    done: () => [told(set, 'create', name)],
    // A pod of that name is there: ours, not seen yet, or a stranger's, which has to go before there is room.
    failed: (error) => (isRefusal(error, 409) && error.reason === 'AlreadyExists' ? [fail(error)] : failed(set, 'create', name)(error)),
  })
  return [...withClaims(set, ordinal, undefined, views, (why) => failed(set, 'create', name)(new Error(why))), make]
}

export const removeMember = (set: StatefulSet, pod: Pod): Step => {
  const { name } = pod.metadata
  return remove(pods, pod, {}, { done: () => [told(set, 'delete', name)], failed: failed(set, 'delete', name) })
}

/** Puts back labels that a member lost, and the owners of its claims. */
export const repairMember = (set: StatefulSet, pod: Pod, ordinal: number, views: Views): Steps => {
  const next = withIdentity(pod, ordinal)
  const { name } = pod.metadata
  const owners = claimOwners(set, { name, pod, isCondemned: false }, ordinal, views)
  const relabel = next === pod ? [] : [update(pods, next, { failed: failed(set, 'update', name) })]
  const steps = [...owners, ...relabel]
  return steps.length > 0 ? [...steps, told(set, 'update', name)] : []
}

export const claimOwners = (set: StatefulSet, member: Member, ordinal: number, views: Views): Steps =>
  memberClaims(set, ordinal).flatMap((draft) => {
    const held = claimOf(draft, views)
    return held && held.metadata.deletionTimestamp === undefined ? ownClaim(set, held, member, false) : []
  })
