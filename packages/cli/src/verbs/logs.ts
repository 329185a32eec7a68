import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pod as podResource } from '@skiff/api'
import { isRefusal } from '@skiff/machinery'
import { type Dynamic, listAt } from '../objects/fields.ts'
import { containerOf, podsOf } from '../pods/find-pod.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'

export const logs: Verb = {
  usage: '[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]',
  flags: [
    'follow|f:bool',
    'previous|p:bool',
    'container|c:string',
    'all-containers:bool',
    'all-pods:bool',
    'since:duration',
    'since-time:string',
    'tail:int=-1',
    'limit-bytes:int',
    'timestamps:bool',
    'selector|l:string',
    'prefix:bool',
    'ignore-errors:bool',
    'max-log-requests:int=5',
    'pod-running-timeout:duration=20s',
    'insecure-skip-tls-verify-backend:bool',
  ],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const selector = flags.text('selector')
    if ((args.length === 0 && !selector) || args.length > 2)
      throw new UsageError(
        "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command\nSee 'kubectl logs -h' for help and examples",
      )
    refuseContradictions(invocation)
    const sources = await sourcesOf(invocation, selector).catch(async (error) => {
      throw await missingText(error, invocation)
    })
    if (flags.bool('follow') && sources.length > (flags.int('max-log-requests') ?? 5))
      throw new UsageError(
        `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${flags.int('max-log-requests')}, use --max-log-requests to increase the limit`,
      )
    const interrupted = flags.bool('follow') ? session.interrupted() : undefined
    const copy = async (source: Source): Promise<void> => {
      try {
        const stream = await openLog(invocation, source, selector !== undefined, interrupted)
        if (stream) await copyOut(invocation, source, stream, interrupted)
      } catch (error) {
        if (interrupted?.aborted) return
        if (!flags.bool('ignore-errors')) throw error
        session.complain(`error: ${(error as Error).message}`)
      }
    }
    if (flags.bool('follow') && sources.length > 1) await Promise.all(sources.map(copy))
    else for (const source of sources) await copy(source)
    return interrupted?.aborted ? 1 : 0
  },
}

const refuseContradictions = ({ flags, args }: Invocation): void => {
  if (args.length > 0 && flags.text('selector')) throw new UsageError('only a selector (-l) or a POD name is allowed', 1, true)
  const container = flags.text('container') || args[1]
  if (flags.bool('all-containers') && container)
    throw new UsageError(`--all-containers=true should not be specified with container name ${container}`)
  if ((flags.int('tail') ?? -1) < -1) throw new UsageError('--tail must be greater than or equal to -1')
  if (flags.has('limit-bytes') && (flags.int('limit-bytes') ?? 0) < 1) throw new UsageError('--limit-bytes must be greater than 0')
  if (flags.has('since') && flags.text('since-time')) throw new UsageError('at most one of `sinceTime` or `sinceSeconds` may be specified')
  const time = flags.text('since-time')
  if (time && Number.isNaN(Date.parse(time)))
    throw new UsageError(
      `parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(time)} as "2006"`,
    )
}

/** logs tells a missing pod with its namespace. */
const missingText = async (error: unknown, { session }: Invocation): Promise<unknown> => {
  if (!isRefusal(error, 404)) return error
  const { namespace } = await session.connect()
  return new UsageError(`error from server (NotFound): ${error.message} in namespace ${JSON.stringify(namespace)}`)
}

interface Source {
  readonly pod: Dynamic
  readonly container: string
}

const sourcesOf = async ({ session, flags, args }: Invocation, selector: string | undefined): Promise<Source[]> => {
  const { client, namespace } = await session.connect()
  const [word, container = flags.text('container')] = args
  const pods =
    word === undefined
      ? ((await client.list(podResource, { namespace }, { query: { labelSelector: selector ?? '' } })).items as unknown as Dynamic[])
      : await podsOf(session, word)
  if (pods.length === 0) session.complain(`No resources found in ${namespace} namespace.`)
  const many = word === undefined || flags.bool('all-pods')
  if (pods.length > 1 && !many) session.complain(`Found ${pods.length} pods, using pod/${pods[0]?.metadata.name}`)
  return (many ? pods : pods.slice(0, 1)).flatMap((pod) =>
    flags.bool('all-containers')
      ? ['initContainers', 'containers', 'ephemeralContainers'].flatMap((part) =>
          listAt(pod, ['spec', part]).map(({ name }) => ({ pod, container: String(name) })),
        )
      : [{ pod, container: containerOf(session, pod, container) }],
  )
}

const openLog = async (
  { session, flags }: Invocation,
  { pod, container }: Source,
  selected: boolean,
  signal: AbortSignal | undefined,
): Promise<Readable | undefined> => {
  const { client } = await session.connect()
  const sinceMs = flags.durationMs('since')
  const tail = flags.has('tail') ? (flags.int('tail') ?? -1) : selected ? 10 : -1
  const query: Record<string, string> = {
    container,
    ...(flags.bool('follow') ? { follow: 'true' } : {}),
    ...(flags.bool('previous') ? { previous: 'true' } : {}),
    ...(flags.bool('timestamps') ? { timestamps: 'true' } : {}),
    ...(sinceMs ? { sinceSeconds: String(Math.round(sinceMs / 1000)) } : {}),
    ...(flags.text('since-time') ? { sinceTime: flags.text('since-time') as string } : {}),
    ...(tail >= 0 ? { tailLines: String(tail) } : {}),
    ...(flags.int('limit-bytes') ? { limitBytes: String(flags.int('limit-bytes')) } : {}),
  }
  const reply = await client.handler({
    ...{ verb: 'get', group: '', version: 'v1', resource: 'pods', subresource: 'log' },
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    query,
    identity: client.identity,
    accept: '*/*',
    ...(signal ? { signal } : {}),
  })
  return 'stream' in reply ? reply.stream : undefined
}

const copyOut = async (
  { session, flags }: Invocation,
  { pod, container }: Source,
  stream: Readable,
  signal: AbortSignal | undefined,
): Promise<void> => {
  const prefix = flags.bool('prefix') || flags.bool('all-pods') ? `[pod/${pod.metadata.name}/${container}] ` : ''
  const marked = async function* (chunks: AsyncIterable<Buffer>) {
    let rest = ''
    for await (const chunk of chunks) {
      const lines = (rest + chunk.toString('utf8')).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield `${prefix}${line}\n`
    }
    if (rest !== '') yield prefix + rest
  }
  const options = { end: false, ...(signal ? { signal } : {}) }
  if (prefix) await pipeline(stream, marked, session.deps.stdout, options)
  else await pipeline(stream, session.deps.stdout, options)
}
