import { type ClusterNetwork, describeNetwork } from '@skiff/network'
import type { ClusterRecord } from './record.ts'

export const networkOf = (record: ClusterRecord): ClusterNetwork =>
  describeNetwork({ cluster: record.name, ranges: record.ranges, nodes: new Map(record.nodes.map((node) => [node.number, node.name])) })

/** Whether the cluster has nodes that run containers: then it has networks, processes and mounts on the machine, and needs root. */
export const hasRealNodes = ({ runtime, controlPlaneOnly }: ClusterRecord): boolean => runtime === 'containerd' && !controlPlaneOnly
