import type { Node } from '@skiff/api'
import type { Stage } from '../stages/stage.ts'
import { isWell, withHeartbeat } from './node-object.ts'

/** What makes a node well, beside stages of a file that make it ill: these say by their weight that they come first. */
export const builtinNodeStages = (hostIP: (name: string) => string): readonly Stage<Node>[] => [
  {
    name: 'node-initialize',
    matches: (node) => !isWell(node),
    next: (node, nowMs) => ({ status: withHeartbeat(node, hostIP(node.metadata.name), nowMs) }),
  },
]
