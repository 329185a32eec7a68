import type { Plugin } from '../cycle/framework.ts'
import { balancedAllocation } from './balanced-allocation.ts'
import { imageLocality } from './image-locality.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodeName } from './node-name.ts'
import { nodePorts } from './node-ports.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { podTopologySpread } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'
import { createVolumeBinding } from './volume-binding.ts'
import { volumeRestrictions } from './volume-restrictions.ts'
import type { BindVolumes } from './volume-writes.ts'
import { volumeZone } from './volume-zone.ts'

/** Upstream's default profile, in its order: the first that refuses a node names the reason. */
export const defaultPlugins = (bindVolumes: BindVolumes): readonly Plugin[] => [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  volumeRestrictions,
  createVolumeBinding(bindVolumes),
  volumeZone,
  podTopologySpread,
  interPodAffinity,
  balancedAllocation,
  imageLocality,
]
