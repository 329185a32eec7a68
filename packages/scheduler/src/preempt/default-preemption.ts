import type { InTreeArgs } from '../config/configuration.ts'
import type { Plugin } from '../cycle/framework.ts'
import type { PluginHandle } from '../profile/handle.ts'
import { createPreempt } from './preempt.ts'

/** PostFilter: room is made where the least is lost. */
export const createDefaultPreemption = (args: InTreeArgs['DefaultPreemption'], handle: PluginHandle): Plugin => {
  const { cluster, nominations, extenders, metrics } = handle
  const preempt = createPreempt({ cluster, nominations, extenders, metrics, args, trial: (pod) => handle.trial(pod) })
  return { name: 'DefaultPreemption', points: ['postFilter'], reactsTo: [], postFilter: preempt }
}
