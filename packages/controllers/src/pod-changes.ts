import type { Pod } from '@skiff/api'
import { pod as pods } from '@skiff/api'
import type { Draft } from '@skiff/client'
import type { KubeObject } from '@skiff/machinery'
import { create, event, fail, isNamespaceTerminating, reasonOf, remove, type Step } from './runner/step.ts'

/** Makes a pod for `owner` and tells about it in upstream's words; a namespace that goes away ends it quietly. */
export const createPod = (owner: KubeObject, draft: Draft<Pod>): Step =>
  create(pods, draft, {
    done: (pod) => [event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)],
    failed: (error) =>
      isNamespaceTerminating(error) ? [] : [event(owner, 'Warning', 'FailedCreate', `Error creating: ${reasonOf(error)}`), fail(error)],
  })

export const removePod = (owner: KubeObject, pod: Pod): Step =>
  remove(
    pods,
    pod,
    {},
    {
      // One that was gone already is not told of.
      done: (answer) => (answer === undefined ? [] : [event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)]),
      failed: (error) => [event(owner, 'Warning', 'FailedDelete', `Error deleting: ${reasonOf(error)}`), fail(error)],
    },
  )
