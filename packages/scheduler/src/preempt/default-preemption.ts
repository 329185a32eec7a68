import type { InTreeArgs } from '../config/configuration.ts'
import type { Plugin } from '../cycle/framework.ts'
import type { PluginHandle } from '../profile/handle.ts'
import { createPreempt } from './preempt.ts'

const busy = 'waiting for the preemption for this pod to be finished'

/** PostFilter: room is made where the least is lost. PreEnqueue: until that is done, the pod need not be tried. */
export const createDefaultPreemption = (args: InTreeArgs['DefaultPreemption'], handle: PluginHandle): Plugin => {
  const { cluster, nominations, evictions, extenders, metrics } = handle
  return {
    name: 'DefaultPreemption',
    points: ['preEnqueue', 'postFilter'],
    ownChanges: [],
    reactsTo: ['pod-removed'],
    preEnqueue: ({ uid }) => (evictions.isMakingRoomFor(uid) ? busy : undefined),
    hint: (_event, { uid }) => !evictions.isMakingRoomFor(uid),
    postFilter: createPreempt({ cluster, nominations, evictions, extenders, metrics, args, trial: (pod) => handle.trial(pod) }),
  }
}
