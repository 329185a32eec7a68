import { type Plugin, unschedulable } from '../cycle/framework.ts'
import type { HostPort, PodInfo } from '../snapshot/pod-info.ts'

const name = 'NodePorts'
const taken = unschedulable(name, "node(s) didn't have free ports for the requested pod ports")
const everyAddress = '0.0.0.0'

const collides = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === everyAddress || b.ip === everyAddress)
const anyCollide = (a: PodInfo, b: PodInfo): boolean => a.hostPorts.some((one) => b.hostPorts.some((other) => collides(one, other)))

/** No two pods of a node use the same port of the host. */
export const nodePorts: Plugin = {
  name,
  points: ['preFilter', 'filter'],
  filterReads: 'node',
  ownChanges: [],
  reactsTo: ['node-added', 'pod-removed'],
  begin: (pod, { snapshot }) => {
    if (pod.hostPorts.length === 0) return 'skip'
    return {
      filter: (slot) => {
        for (const other of snapshot.node(slot)?.withHostPorts ?? []) if (anyCollide(pod, other)) return taken
        return undefined
      },
    }
  },
  hint: (event, pod) => event.on === 'node-added' || (event.on === 'pod-removed' && anyCollide(pod, event.pod)),
}
