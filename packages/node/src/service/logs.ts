import { Readable } from 'node:stream'
import type { ContainerStatus, PodStatus } from '@skiff/api'
import { badRequest, type Env, quoted } from '@skiff/machinery'
import type { Runtime } from '../runtimes/runtime.ts'
import type { OpenLog } from './log-file.ts'
import type { LogOptions } from './node-service.ts'
import { readLog } from './read-log.ts'

/** The log of the instance that the options mean, as a stream. */
export const openLogs = async (
  runtime: Runtime,
  env: Env,
  open: OpenLog,
  status: PodStatus | undefined,
  options: LogOptions,
): Promise<Readable> => {
  const containerId = instanceOf(status, options)
  const info = await runtime.containerStatus(containerId)
  if (!info) throw badRequest(`unable to retrieve container logs for containerd://${containerId}`)
  const { stream = 'All', signal } = options
  const stop = new AbortController()
  const read = readLog(
    {
      path: info.logPath,
      containerId,
      open,
      isRunning: async () => (await runtime.containerStatus(containerId))?.state === 'running',
    },
    {
      follow: options.follow ?? false,
      sinceMs: sinceMs(options, env.now()),
      tailLines: options.tailLines,
      limitBytes: options.limitBytes,
      timestamps: options.timestamps ?? false,
      stream: stream === 'All' ? undefined : stream === 'Stdout' ? 'stdout' : 'stderr',
    },
    AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]),
  )
  const readable = Readable.from(read, { objectMode: false })
  readable.once('close', () => stop.abort())
  return readable
}

const sinceMs = ({ sinceSeconds, sinceTime }: LogOptions, nowMs: number): number => {
  if (sinceSeconds !== undefined) return nowMs - sinceSeconds * 1000
  return sinceTime === undefined ? 0 : Date.parse(sinceTime)
}

const idOf = (containerId: string | undefined): string | undefined => containerId?.replace(/^.*:\/\//, '')

/** The id of the instance whose log is meant: the one before for `previous`, else the newest that ran. */
const instanceOf = (status: PodStatus | undefined, { pod, container, previous }: LogOptions): string => {
  const where = `container ${quoted(container)} in pod ${quoted(pod)}`
  const found = [status?.containerStatuses, status?.initContainerStatuses, status?.ephemeralContainerStatuses]
    .flatMap((list) => list ?? [])
    .find(({ name }) => name === container)
  if (!found) throw badRequest(`${where} is not available`)
  const last = idOf(found.lastState?.terminated?.containerID)
  if (previous) {
    if (!last) throw badRequest(`previous terminated container ${quoted(container)} in pod ${quoted(pod)} not found`)
    return last
  }
  const current = idOf(currentId(found)) ?? last
  if (current) return current
  if (found.state?.terminated ?? found.lastState?.terminated) throw badRequest(`${where} is terminated`)
  throw badRequest(`${where} is waiting to start${waitingFor(found)}`)
}

const currentId = ({ state, containerID }: ContainerStatus): string | undefined =>
  state?.running ? containerID : state?.terminated?.containerID

const waitingFor = ({ state }: ContainerStatus): string => {
  const reason = state?.waiting?.reason
  switch (reason) {
    case undefined:
      return ' - no logs yet'
    case 'ErrImagePull':
      return ": image can't be pulled"
    case 'ImagePullBackOff':
      return ': trying and failing to pull image'
    default:
      return `: ${reason}`
  }
}
