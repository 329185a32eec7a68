import type { Cluster } from '../cycle/framework.ts'
import type { Extender } from '../extender/extender.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { type Candidate, candidateOf } from './pick.ts'

/** Lets extenders strike out nodes and change their victims. Rejects when one fails that may not be passed over. */
export const consultOnVictims = async (
  extenders: readonly Extender[],
  pod: PodInfo,
  candidates: readonly Candidate[],
  { snapshot, env }: Cluster,
): Promise<readonly Candidate[]> => {
  let left = candidates
  for (const extender of extenders) {
    if (left.length === 0) break
    try {
      const told = new Map(left.map(({ node, victims, broken }) => [node.name, { pods: victims, broken }]))
      const given = await extender.preempt(pod.pod, told)
      left = [...given].flatMap(([name, { uids, broken }]): Candidate[] => {
        const node = snapshot.named(name)
        if (!node) throw new Error(`nodeinfo not found for node name ${JSON.stringify(name)}`)
        if (uids.length === 0) {
          if (extender.isIgnorable) return []
          throw new Error(`expected at least one victim pod on node ${JSON.stringify(name)}`)
        }
        const victims = uids.map((uid) => {
          const victim = node.pods.get(uid)
          if (victim) return victim
          throw new Error(
            `extender: ${extender.name} claims to preempt pod (UID: ${uid}) on node: ${name}, but the pod is not found on that node`,
          )
        })
        return [candidateOf(node, victims, broken)]
      })
    } catch (error) {
      if (!extender.isIgnorable) throw error
      env.log.warn('an extender failed and is passed over', { extender: extender.name, error: String(error) })
    }
  }
  return left
}
