import type { Meter, NodeConnection, NodeDirectory } from '@skiff/apiserver'

/** The connections of the nodes that this server speaks to. */
export interface ClusterNodes extends NodeDirectory {
  set(nodeName: string, connection: NodeConnection): void
  remove(nodeName: string): void
  /** Of nodes that are played in this process. */
  measureBy(meter: Meter): void
  /** The same for connections: asked where no node has one of its own. */
  connectBy(find: (nodeName: string) => NodeConnection | undefined): void
}

export const createNodeDirectory = (): ClusterNodes => {
  const connections = new Map<string, NodeConnection>()
  let meter: Meter | undefined
  let find: ((nodeName: string) => NodeConnection | undefined) | undefined
  return {
    connection: (nodeName) => connections.get(nodeName) ?? find?.(nodeName),
    get meter() {
      return meter
    },
    measureBy: (one) => {
      meter = one
    },
    connectBy: (one) => {
      find = one
    },
    set: (nodeName, connection) => {
      connections.set(nodeName, connection)
    },
    remove: (nodeName) => {
      connections.delete(nodeName)
    },
  }
}
