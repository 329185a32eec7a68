import type { NodeConnection, NodeDirectory } from '@skiff/apiserver'

/** The connections of the nodes that this server speaks to. */
export interface ClusterNodes extends NodeDirectory {
  set(nodeName: string, connection: NodeConnection): void
  remove(nodeName: string): void
}

export const createNodeDirectory = (): ClusterNodes => {
  const connections = new Map<string, NodeConnection>()
  return {
    connection: (nodeName) => connections.get(nodeName),
    set: (nodeName, connection) => {
      connections.set(nodeName, connection)
    },
    remove: (nodeName) => {
      connections.delete(nodeName)
    },
  }
}
