import { connect } from 'node:net'
import type { NodeConnection } from '@skiff/apiserver'
import type { NodeService } from '@skiff/node'

/** The connection to an agent in this process, whose pods this process can reach itself. */
export const nearConnection = (service: NodeService): NodeConnection => ({
  logs: (pod, options, signal) =>
    service.logs({ ...options, namespace: pod.namespace, pod: pod.name, uid: pod.uid, ...(signal ? { signal } : {}) }),
  exec: (pod, { container, command = [], streams }) =>
    service.exec({ namespace: pod.namespace, pod: pod.name, uid: pod.uid, container, command, streams }),
  attach: (pod, { container, streams }) => service.attach({ namespace: pod.namespace, pod: pod.name, uid: pod.uid, container, streams }),
  portForward: (pod, ports) => service.portForward({ namespace: pod.namespace, pod: pod.name, uid: pod.uid, ports }),
  usage: () => service.statsSummary(),
  dial: (host, port) =>
    new Promise((resolve, reject) => {
      const socket = connect(port, host)
      socket.once('connect', () => resolve(socket))
      socket.once('error', reject)
    }),
})
