import type { Env } from '@skiff/machinery'
import type { ClusterNetwork } from '@skiff/network'
import type { ClusterNodes } from './node-directory.ts'
import type { Place } from './place.ts'
import type { ClusterRecord } from './record.ts'

/** What the nodes of one machine are started with: the host's own and those in processes beside it. */
export interface MachineNodesOptions {
  readonly place: Place
  readonly record: ClusterRecord
  readonly network: ClusterNetwork
  readonly env: Env
  readonly directory: ClusterNodes
  readonly progress: (step: string) => void
}
