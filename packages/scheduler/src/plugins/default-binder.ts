import { bindPod } from '../cycle/bind.ts'
import type { Plugin } from '../cycle/framework.ts'
import { inTurn } from '../cycle/in-turn.ts'
import type { PluginHandle } from '../profile/handle.ts'

/** Bindings under way at a time. */
const maxInFlight = 512

/** Bind: by the API, POST pods/NAME/binding. */
export const createDefaultBinder = ({ client, env, stopping }: PluginHandle): Plugin => {
  const takeTurn = inTurn(maxInFlight)
  return {
    name: 'DefaultBinder',
    points: ['bind'],
    reactsTo: [],
    bind: async (pod, nodeName) => {
      await takeTurn(() => bindPod(client, env, pod, nodeName, stopping))
      return true
    },
  }
}
