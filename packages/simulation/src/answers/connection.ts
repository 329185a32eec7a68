import { connect } from 'node:net'
import { resolve } from 'node:path'
import { type Duplex, Readable } from 'node:stream'
import type { ContainerStatus, Pod } from '@skiff/api'
import type { LogOptions, NodeConnection, PodRef } from '@skiff/apiserver'
import { serveExec, servePortForward, type View } from '@skiff/client'
import { badRequest, type Env, notFound } from '@skiff/machinery'
import { type AnswerRules, type ForwardRule, isFor, type LogRule } from './rules.ts'
import { connectToCommand, runHere } from './run-here.ts'
import { nearSession } from './session.ts'
import { tellLog } from './tell-log.ts'

export interface AnswersOptions {
  readonly rules: AnswerRules
  readonly pods: View<Pod>
  readonly env: Env
  /** Where the files of logs lie. */
  readonly directory: string
}

/** How simulated nodes answer who looks into their pods: as the simulation file says, and else with what to do. */
export const answersOf = ({ rules, pods, env, directory }: AnswersOptions): NodeConnection => {
  const podOf = ({ namespace, name, uid }: PodRef): Pod => {
    const pod = pods.get(`${namespace}/${name}`)
    if (!pod || pod.metadata.uid !== uid) throw notFound({ group: '', resource: 'pods' }, name)
    return pod
  }
  const told = async (rule: LogRule, pod: Pod, options: LogOptions, signal: AbortSignal): Promise<Readable> => {
    const named = sourceOf(rule, pod, options)
    const source = 'path' in named ? { path: resolve(directory, named.path) } : named
    const isRunning = (): boolean => {
      const held = pods.get(`${pod.metadata.namespace}/${pod.metadata.name}`)
      return held?.metadata.uid === pod.metadata.uid && statusOf(held, options.container)?.state?.running !== undefined
    }
    const startedMs = startOf(pod, options.container, env.now())
    const log = tellLog({ source, pod, startedMs, follow: rule.follow && options.follow === true, isRunning }, options, env, signal)
    // Read once before anything is answered, so that a file that cannot be read is an answer and no broken stream.
    const first = await log.next()
    const whole = async function* () {
      if (!first.done) yield first.value
      yield* log
    }
    return Readable.from(whole(), { objectMode: false })
  }
  return {
    logs: async (ref, options, signal) => {
      const pod = podOf(ref)
      const rule = rules.logs.find((each) => isFor(each, pod, options.container))
      if (!rule) throw badRequest(`${placeOf(pod, options.container)} and writes no log; ${ask('Logs', 'gives it one')}`)
      const stop = new AbortController()
      const stream = await told(rule, pod, options, AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]))
      stream.once('close', () => stop.abort())
      return stream
    },
    exec: async (ref, { container, command = [], streams }) => {
      const pod = podOf(ref)
      const rule = rules.execs.find((each) => isFor(each, pod, container))
      if (!rule)
        throw badRequest(
          `${placeOf(pod, container)} and runs no commands; ${ask('Exec', 'has them run on this machine')}, and with \`skiff up --runtime simulated\` containers answer some`,
        )
      return nearSession((upgrade) => serveExec(upgrade, streams, (session) => runHere(command, rule, session), env), env)
    },
    attach: async (ref, { container, streams }) => {
      const pod = podOf(ref)
      const rule = rules.attaches.find((each) => isFor(each, pod, container))
      if (!rule) throw badRequest(`${placeOf(pod, container)} and writes nothing; ${ask('Attach', 'gives it something to say')}`)
      return nearSession(
        (upgrade) =>
          serveExec(
            upgrade,
            streams,
            async ({ stdout, signal }) => {
              for await (const part of await told({ ...rule, follow: true }, pod, { container, follow: true }, signal)) stdout?.write(part)
              return 0
            },
            env,
          ),
        env,
      )
    },
    portForward: async (ref) => {
      const pod = podOf(ref)
      const forwards = rules.forwards.filter((each) => isFor({ ...each, containers: undefined }, pod, ''))
      if (forwards.length === 0)
        throw badRequest(
          `pod ${JSON.stringify(pod.metadata.name)} is on a simulated node, and listens on no port; ${ask('PortForward', 'says where its connections lead')}`,
        )
      return nearSession((upgrade) => servePortForward(upgrade, pod.metadata.name, (port) => forward(forwards, port), env), env)
    },
    usage: () => Promise.reject(new Error('simulated nodes are measured by the simulation itself')),
    dial: (host, port) => Promise.reject(new Error(`${host}:${port} is of a simulated node, where nothing listens`)),
  }
}

const ask = (kind: string, does: string): string =>
  `a document of kind ${kind} or Cluster${kind} in the file of \`skiff up --simulation\` ${does}`

const placeOf = ({ metadata, spec }: Pod, container: string): string =>
  `container ${JSON.stringify(container)} of pod ${JSON.stringify(metadata.name)} is on the simulated node ${JSON.stringify(spec.nodeName)}`

const statusOf = ({ status }: Pod, container: string): ContainerStatus | undefined =>
  [status?.containerStatuses, status?.initContainerStatuses, status?.ephemeralContainerStatuses]
    .flatMap((list) => list ?? [])
    .find(({ name }) => name === container)

const startOf = (pod: Pod, container: string, nowMs: number): number => {
  const { state } = statusOf(pod, container) ?? {}
  return Date.parse(state?.running?.startedAt ?? state?.terminated?.startedAt ?? '') || nowMs
}

/** What the options mean of a rule; refused in the kubelet's words where the container has not said anything yet. */
const sourceOf = ({ source, previous }: LogRule, pod: Pod, options: LogOptions): LogRule['source'] => {
  const { container } = options
  const [quoted, name] = [JSON.stringify(container), JSON.stringify(pod.metadata.name)]
  const status = statusOf(pod, container)
  if (options.previous) {
    if (!status?.lastState?.terminated || !previous) throw badRequest(`previous terminated container ${quoted} in pod ${name} not found`)
    return previous
  }
  if (!status) throw badRequest(`container ${quoted} in pod ${name} is not available`)
  const { waiting } = status.state ?? {}
  if (waiting && !status.lastState?.terminated)
    throw badRequest(`container ${quoted} in pod ${name} is waiting to start: ${waiting.reason ?? 'no logs yet'}`)
  return source
}

const forward = async (rules: readonly ForwardRule[], port: number): Promise<Duplex> => {
  const rule = rules.find(({ ports }) => !ports || ports.has(port))
  if (!rule) throw new Error(`the simulation file says of port ${port} nowhere where it leads`)
  if ('command' in rule.to) return connectToCommand(rule.to.command)
  const socket = connect(rule.to.port, rule.to.host)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return socket
}
