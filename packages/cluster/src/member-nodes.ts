import type { ApiServer } from '@skiff/apiserver'
import type { MachineNodesOptions } from './machine-nodes.ts'

/** The nodes after the first: each a process in a network namespace of its own. */
export interface MemberNodes {
  start(api: ApiServer): Promise<void>
  stop(): Promise<void>
}

export const createMemberNodes = ({ record }: MachineNodesOptions): MemberNodes => ({
  start: async () => {
    if (record.nodes.length > 1) throw new Error('more than one node is not there yet')
  },
  stop: async () => {},
})
