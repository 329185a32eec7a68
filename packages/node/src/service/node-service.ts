import type { Readable } from 'node:stream'
import type { StreamingTarget } from '@skiff/client'
import type { StreamChoice } from '../runtimes/runtime.ts'
import type { PodList } from './pod-list.ts'
import type { StatsSummary } from './summary.ts'

/** Names a container of a pod on this node. */
export interface ContainerTarget {
  readonly namespace: string
  readonly pod: string
  /** When given, a pod of that name with another uid is not meant. */
  readonly uid?: string
  readonly container: string
}

export interface LogOptions extends ContainerTarget {
  readonly follow?: boolean
  /** Of the instance before the last restart. */
  readonly previous?: boolean
  readonly sinceSeconds?: number
  /** RFC 3339. */
  readonly sinceTime?: string
  readonly tailLines?: number
  readonly limitBytes?: number
  readonly timestamps?: boolean
  readonly stream?: 'All' | 'Stdout' | 'Stderr'
  readonly signal?: AbortSignal
}

export interface ExecOptions extends ContainerTarget {
  readonly command: readonly string[]
  readonly streams: StreamChoice
}

export interface AttachOptions extends ContainerTarget {
  readonly streams: StreamChoice
}

export interface PortForwardOptions {
  readonly namespace: string
  readonly pod: string
  readonly uid?: string
  readonly ports: readonly number[]
}

/** What the API server asks of a node. Every call throws a Refusal with upstream's text when it cannot be done. */
export interface NodeService {
  logs(options: LogOptions): Promise<Readable>
  exec(options: ExecOptions): Promise<StreamingTarget>
  attach(options: AttachOptions): Promise<StreamingTarget>
  portForward(options: PortForwardOptions): Promise<StreamingTarget>
  statsSummary(): Promise<StatsSummary>
  /** Pods bound to this node, with the status that the node itself knows. */
  pods(): Promise<PodList>
  runningPods(): Promise<PodList>
}
