import type { InTreeArgs } from '../config/configuration.ts'
import type { Plugin } from '../cycle/framework.ts'
import { createBalancedAllocation } from '../plugins/balanced-allocation.ts'
import { createDefaultBinder } from '../plugins/default-binder.ts'
import { imageLocality } from '../plugins/image-locality.ts'
import { createInterPodAffinity } from '../plugins/inter-pod-affinity.ts'
import { createNodeAffinity } from '../plugins/node-affinity.ts'
import { nodeName } from '../plugins/node-name.ts'
import { nodePorts } from '../plugins/node-ports.ts'
import { createNodeResourcesFit } from '../plugins/node-resources-fit.ts'
import { nodeUnschedulable } from '../plugins/node-unschedulable.ts'
import { nodeVolumeLimits } from '../plugins/node-volume-limits.ts'
import { createPodTopologySpread } from '../plugins/pod-topology-spread.ts'
import { prioritySort } from '../plugins/priority-sort.ts'
import { schedulingGates } from '../plugins/scheduling-gates.ts'
import { taintToleration } from '../plugins/taint-toleration.ts'
import { createVolumeBinding } from '../plugins/volume-binding.ts'
import { volumeRestrictions } from '../plugins/volume-restrictions.ts'
import { createBindVolumes } from '../plugins/volume-writes.ts'
import { volumeZone } from '../plugins/volume-zone.ts'
import { createDefaultPreemption } from '../preempt/default-preemption.ts'
import type { PluginFactory, PluginHandle, PluginRegistry } from './handle.ts'

const plain =
  (plugin: Plugin): PluginFactory =>
  () =>
    plugin
/** Arguments are decoded, defaulted and checked by then. */
const taking = <Name extends keyof InTreeArgs>(
  _name: Name,
  make: (args: InTreeArgs[Name], handle: PluginHandle) => Plugin,
): PluginFactory => make as PluginFactory

/** Upstream's plugins by name. */
export const inTreePlugins: PluginRegistry = {
  SchedulingGates: plain(schedulingGates),
  PrioritySort: plain(prioritySort),
  NodeUnschedulable: plain(nodeUnschedulable),
  NodeName: plain(nodeName),
  TaintToleration: plain(taintToleration),
  NodeAffinity: taking('NodeAffinity', ({ addedAffinity }) => createNodeAffinity(addedAffinity)),
  NodePorts: plain(nodePorts),
  NodeResourcesFit: taking('NodeResourcesFit', createNodeResourcesFit),
  VolumeRestrictions: plain(volumeRestrictions),
  NodeVolumeLimits: plain(nodeVolumeLimits),
  VolumeBinding: taking('VolumeBinding', ({ bindTimeoutSeconds, shape }, handle) =>
    createVolumeBinding(createBindVolumes(handle, bindTimeoutSeconds * 1000), shape),
  ),
  VolumeZone: plain(volumeZone),
  PodTopologySpread: taking('PodTopologySpread', createPodTopologySpread),
  InterPodAffinity: taking('InterPodAffinity', createInterPodAffinity),
  DefaultPreemption: taking('DefaultPreemption', createDefaultPreemption),
  NodeResourcesBalancedAllocation: taking('NodeResourcesBalancedAllocation', ({ resources }) => createBalancedAllocation(resources)),
  ImageLocality: plain(imageLocality),
  DefaultBinder: (_args, handle) => createDefaultBinder(handle),
}
