import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { StreamingTarget } from '@skiff/client'
import { badRequest, type Env, internalError, notFound, quoted } from '@skiff/machinery'
import type { Pods } from '../agent/pods.ts'
import type { PodWorker } from '../agent/worker.ts'
import { isRuntimeError, type Runtime } from '../runtimes/runtime.ts'
import type { OpenLog } from './log-file.ts'
import { openLogs } from './logs.ts'
import type { ContainerTarget, NodeService } from './node-service.ts'
import { podList } from './pod-list.ts'
import { createCpuRates, summaryOf } from './summary.ts'

export interface ServeOptions {
  readonly runtime: Runtime
  readonly env: Env
  readonly pods: Pods
  readonly nodeName: string
  readonly openLog: OpenLog
  /** Connects to the runtime's streaming server; absent: from this process. */
  readonly dial?: (url: URL) => Promise<Duplex>
}

/** Answers what the API server asks of this node. */
export const createNodeService = (options: ServeOptions): NodeService => {
  const { runtime, env, pods, nodeName } = options
  const dial = options.dial ?? dialUrl
  const startedMs = env.now()
  const rates = createCpuRates()

  const workerOf = ({ namespace, pod, uid }: { readonly namespace: string; readonly pod: string; readonly uid?: string }): PodWorker => {
    const worker = pods.named(namespace, pod)
    if (!worker || (uid !== undefined && uid !== '' && worker.pod.metadata.uid !== uid))
      throw notFound({ group: '', resource: 'pods' }, pod)
    return worker
  }
  const runningContainer = (target: ContainerTarget): string => {
    const running = workerOf(target).seen.containers.find(({ name, state }) => name === target.container && state === 'running')
    if (!running) throw internalError(`container not found (${quoted(target.container)})`)
    return running.id
  }
  const session = async (url: Promise<string>): Promise<StreamingTarget> => {
    try {
      const where = new URL(await url)
      return { url: where, dial: () => dial(where) }
    } catch (error) {
      throw isRuntimeError(error) ? internalError(error.message) : error
    }
  }
  return {
    logs: async (target) => {
      const worker = workerOf(target)
      return openLogs(runtime, env, options.openLog, worker.status ?? worker.pod.status, target)
    },
    exec: async (target) => {
      if (target.command.length === 0) throw badRequest('you must specify at least 1 command')
      return session(runtime.exec(runningContainer(target), target.command, target.streams))
    },
    attach: async (target) => session(runtime.attach(runningContainer(target), target.streams)),
    portForward: async (target) => {
      const sandbox = workerOf(target).seen.sandboxes.find(({ ready }) => ready)
      if (!sandbox) throw internalError(`failed to find sandboxID for pod ${target.pod}`)
      return session(runtime.portForward(sandbox.id, target.ports))
    },
    statsSummary: async () =>
      summaryOf(
        nodeName,
        startedMs,
        [...pods.all()].map(({ pod }) => pod),
        await runtime.listContainerStats(),
        rates,
      ),
    pods: async () => podList([...pods.all()].map(({ pod, status }) => (status ? { ...pod, status } : pod))),
    runningPods: async () =>
      podList([...pods.all()].flatMap(({ pod, seen }) => (seen.containers.some(({ state }) => state === 'running') ? [pod] : []))),
  }
}

const dialUrl = (url: URL): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) })
    socket.once('connect', () => resolve(socket.setNoDelay(true)))
    socket.once('error', reject)
  })
