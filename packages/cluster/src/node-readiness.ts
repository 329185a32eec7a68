import type { Node } from '@skiff/api'

/** Whether a node says that it is Ready, and where `sinceMs` is given, has said so since then (to the second, as it writes times). */
export const isReady = (node: Node | undefined, sinceMs = 0): boolean =>
  node?.status?.conditions?.some(
    ({ type, status, lastHeartbeatTime }) =>
      type === 'Ready' && status === 'True' && (sinceMs === 0 || Date.parse(lastHeartbeatTime ?? '') >= Math.floor(sinceMs / 1000) * 1000),
  ) ?? false
