import type { Duplex, Readable } from 'node:stream'
import type { Pod } from '@skiff/api'
import type { StreamingTarget, StreamSelection } from '@skiff/client'
import type { NodeUsage } from '../usage/node-usage.ts'

export interface LogOptions {
  readonly container: string
  readonly follow?: boolean
  readonly previous?: boolean
  readonly sinceSeconds?: number
  readonly sinceTime?: string
  readonly tailLines?: number
  readonly limitBytes?: number
  readonly timestamps?: boolean
}

/** What exec or attach is asked to do in a container. `command` is absent for attach. */
export interface StreamRequest {
  readonly container: string
  readonly command?: readonly string[]
  readonly streams: StreamSelection
}

export interface PodRef {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** What the API server asks of a node's agent, near or through a tunnel. Refusals carry the kubelet's texts. */
export interface NodeConnection {
  logs(pod: PodRef, options: LogOptions, signal?: AbortSignal): Promise<Readable>
  exec(pod: PodRef, request: StreamRequest): Promise<StreamingTarget>
  attach(pod: PodRef, request: StreamRequest): Promise<StreamingTarget>
  portForward(pod: PodRef, ports: readonly number[]): Promise<StreamingTarget>
  /** What the node and its pods have used so far. */
  usage(): Promise<NodeUsage>
  /** A connection to an address as the node sees it: a pod's port, or the agent's own HTTP server. */
  dial(host: string, port: number): Promise<Duplex>
}

/** What nodes that are played in this process are said to use: known at once, without a look at them. */
export interface Meter {
  has(nodeName: string): boolean
  of(pod: Pod): readonly { readonly name: string; readonly cpuMilli: number; readonly memoryBytes: number }[]
}

/** One way to nodes and pods: finds the connection of a node. Undefined for a node that nobody speaks for now. */
export interface NodeDirectory {
  connection(nodeName: string): NodeConnection | undefined
  readonly meter?: Meter | undefined
}

export const noNodes: NodeDirectory = { connection: () => undefined }
