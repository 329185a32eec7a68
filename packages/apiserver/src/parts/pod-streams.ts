import type { Pod } from '@skiff/api'
import type { Call } from '@skiff/client'
import { badRequest, type FieldError, forbiddenField, internalError, invalid, invalidValue, notFound } from '@skiff/machinery'
import type { Part } from '../handler.ts'
import { find } from '../registry/tree.ts'
import { keyOfCall, namedOf, queryFlag, queryValue, type Request, type Rest } from '../rest/context.ts'
import { queryInteger, queryTime } from '../rest/options.ts'
import { openBridge } from '../streaming/bridge.ts'
import { checkStreams, parseExecRequest, parsePorts } from '../streaming/options.ts'
import { admitPart } from './admit.ts'
import type { NodeConnection, NodeDirectory, PodRef } from './node-directory.ts'

const podOf = async (rest: Rest, { call, kind }: Request): Promise<Pod> => {
  const cache = await rest.storage.cache(kind)
  await rest.storage.fresh()
  const pod = find(cache.tree, keyOfCall(kind, call))?.object as Pod | undefined
  if (!pod) throw notFound(namedOf(kind), call.name ?? '')
  return pod
}

const refOf = ({ metadata }: Pod): PodRef => ({ namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid })

const containersOf = (pod: Pod): readonly string[] =>
  [...pod.spec.containers, ...(pod.spec.initContainers ?? []), ...(pod.spec.ephemeralContainers ?? [])].map((container) => container.name)

/** The container that a request names, or the pod's default one; refuses as upstream's podContainer does. */
const containerOf = (pod: Pod, asked: string): string => {
  const all = containersOf(pod)
  if (asked !== '') {
    if (!all.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`)
    return asked
  }
  const first = pod.spec.containers[0]?.name ?? ''
  if (pod.spec.containers.length === 1) return first
  const byAnnotation = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container']
  if (byAnnotation && all.includes(byAnnotation)) return byAnnotation
  const init = pod.spec.initContainers?.map((container) => container.name) ?? []
  const text = `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${pod.spec.containers.map((each) => each.name).join(' ')}]`
  throw badRequest(init.length > 0 ? `${text} or one of the init containers: [${init.join(' ')}]` : text)
}

const connectionOf = (nodes: NodeDirectory, pod: Pod): NodeConnection => {
  const node = pod.spec.nodeName
  if (!node) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`)
  const connection = nodes.connection(node)
  if (!connection) throw internalError(`error dialing backend: no connection to node ${JSON.stringify(node)}`)
  return connection
}

/** GET pods/NAME/log. */
export const podLog =
  (nodes: NodeDirectory): Part =>
  async ({ rest }, request) => {
    const { call } = request
    const options = logOptions(call)
    const pod = await podOf(rest, request)
    const container = containerOf(pod, queryValue(call, 'container') ?? '')
    // A pod that no node has yet has said nothing.
    if (!pod.spec.nodeName) return { status: 204, bytes: Buffer.alloc(0) }
    const stream = await connectionOf(nodes, pod).logs(refOf(pod), { container, ...options }, call.signal)
    return { status: 200, stream, contentType: 'text/plain' }
  }

const logOptions = (call: Call) => {
  const sinceSeconds = queryInteger(call, 'sinceSeconds')
  const sinceTime = queryTime(call, 'sinceTime')
  const tailLines = queryInteger(call, 'tailLines')
  const limitBytes = queryInteger(call, 'limitBytes')
  const faults: FieldError[] = []
  const atLeast = (field: string, value: number | undefined, least: number) => {
    if (value === undefined || value >= least) return
    faults.push(invalidValue(field, value, least === 0 ? 'must be greater than or equal to 0' : 'must be greater than 0'))
  }
  atLeast('tailLines', tailLines, 0)
  atLeast('limitBytes', limitBytes, 1)
  if (sinceSeconds !== undefined && sinceTime)
    faults.push(forbiddenField('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  else atLeast('sinceSeconds', sinceSeconds, 1)
  if (queryValue(call, 'stream') !== undefined) faults.push(forbiddenField('stream', 'may not be specified'))
  if (faults.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, call.name ?? '', faults)
  return {
    follow: queryFlag(call, 'follow'),
    previous: queryFlag(call, 'previous'),
    timestamps: queryFlag(call, 'timestamps'),
    ...(sinceSeconds !== undefined ? { sinceSeconds } : {}),
    ...(sinceTime ? { sinceTime } : {}),
    ...(tailLines !== undefined ? { tailLines } : {}),
    ...(limitBytes !== undefined ? { limitBytes } : {}),
  }
}

/** POST or GET pods/NAME/exec and attach. */
export const podExec =
  (nodes: NodeDirectory, attach: boolean): Part =>
  async ({ rest }, request) => {
    const { call } = request
    const asked = parseExecRequest(call.query)
    const pod = await podOf(rest, request)
    const container = containerOf(pod, asked.container)
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed')
      throw badRequest(`cannot exec into a container in a completed pod; current phase is ${pod.status.phase}`)
    const { stdin, stdout, stderr, tty } = asked.streams
    const options = { stdin, stdout, stderr, tty, container, ...(attach ? {} : { command: asked.command }) }
    await admitPart(rest, request, 'connect', { kind: attach ? 'PodAttachOptions' : 'PodExecOptions', ...options })
    const connection = connectionOf(nodes, pod)
    checkStreams(asked.streams)
    const target = attach
      ? await connection.attach(refOf(pod), { container, streams: asked.streams })
      : await connection.exec(refOf(pod), { container, command: asked.command, streams: asked.streams })
    return upgraded(rest, call, target, asked.streams)
  }

/** POST or GET pods/NAME/portforward. */
export const podPortForward =
  (nodes: NodeDirectory): Part =>
  async ({ rest }, request) => {
    const { call } = request
    const pod = await podOf(rest, request)
    const connection = connectionOf(nodes, pod)
    const ports = parsePorts(call.query)
    await admitPart(rest, request, 'connect', { kind: 'PodPortForwardOptions', ports })
    const target = await connection.portForward(refOf(pod), ports)
    return upgraded(rest, call, target, undefined)
  }

const upgraded = async (
  rest: Rest,
  call: Call,
  target: Parameters<typeof openBridge>[0]['target'],
  streams: Parameters<typeof openBridge>[0]['streams'],
) => {
  const incoming = call.http?.incoming
  if (!incoming) throw badRequest('Upgrade request required')
  const bridge = await openBridge({
    request: incoming,
    target,
    env: rest.env,
    ...(streams ? { streams } : {}),
    ...(call.signal ? { signal: call.signal } : {}),
  })
  return {
    upgrade: (socket: Parameters<typeof bridge.upgrade>[0], head: Uint8Array) =>
      void bridge.upgrade(socket, head).catch((error) => rest.env.log.debug('a stream ended', { error: String(error) })),
  }
}
