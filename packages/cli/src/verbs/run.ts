import type { JsonObject } from '@skiff/machinery'
import { pairs } from '../generators/words.ts'
import { type Dynamic, listAt, mapAt, textAt } from '../objects/fields.ts'
import { type Info, targetOf } from '../objects/info.ts'
import { overridden } from '../objects/overrides.ts'
import { dryRunOf, writeFlags } from '../objects/writing.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'
import { waitUntil } from '../wait/wait-until.ts'
import { createObject, placeGenerated } from './create.ts'
import { attachTo } from './exec.ts'

const podOf = ({ flags, args, dashAt }: Invocation): JsonObject => {
  const name = args[0] as string
  const words = dashAt === undefined ? args.slice(1) : args.slice(Math.max(1, dashAt))
  const image = flags.text('image')
  if (!image) throw new UsageError('required flag(s) "image" not set')
  const env = flags.list('env').map((text) => {
    const equals = text.indexOf('=')
    if (equals < 1) throw new UsageError(`invalid env: ${text}`)
    return { name: text.slice(0, equals), value: text.slice(equals + 1) }
  })
  const port = flags.int('port')
  const interactive = flags.bool('stdin')
  const made: unknown = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      labels: flags.text('labels') ? pairs([flags.text('labels') as string], 'label') : { run: name },
      name,
      ...(flags.has('annotations') ? { annotations: pairs(flags.list('annotations'), 'annotation') } : {}),
    },
    spec: {
      containers: [
        {
          ...(words.length > 0 ? { [flags.bool('command') ? 'command' : 'args']: words } : {}),
          ...(env.length > 0 ? { env } : {}),
          image,
          ...(flags.text('image-pull-policy') ? { imagePullPolicy: flags.text('image-pull-policy') } : {}),
          name,
          ...(port ? { ports: [{ containerPort: port }] } : {}),
          resources: {},
          ...(flags.bool('privileged') ? { securityContext: { privileged: true } } : {}),
          ...(interactive ? { stdin: true, stdinOnce: !flags.bool('leave-stdin-open') } : {}),
          ...(flags.bool('tty') ? { tty: true } : {}),
        },
      ],
      dnsPolicy: 'ClusterFirst',
      restartPolicy: flags.text('restart') ?? 'Always',
    },
    status: {},
  }
  return made as JsonObject
}

/** Refuses flags that do not go together; says whether the command attaches. */
const refuseContradictions = ({ flags, args }: Invocation): boolean => {
  const usage = (text: string) => new UsageError(text, 1, true)
  if (args.length === 0) throw usage('NAME is required for run')
  const image = flags.text('image') ?? ''
  if (!imagePattern.test(image)) throw new UsageError(`Invalid image name ${JSON.stringify(image)}: invalid reference format`)
  const attached = flags.has('attach') ? flags.bool('attach') : flags.bool('stdin') || flags.bool('tty')
  if (flags.bool('tty') && !flags.bool('stdin')) throw usage('-i/--stdin is required for containers with -t/--tty=true')
  if (flags.bool('expose') && !flags.int('port')) throw usage('--port must be set when exposing a service')
  if (dryRunOf(flags) !== 'none' && attached)
    throw usage("--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)")
  if (flags.bool('rm') && !attached) throw usage('--rm should only be used for attached containers')
  const restart = flags.text('restart') ?? 'Always'
  if (!['Always', 'OnFailure', 'Never'].includes(restart)) throw usage(`invalid restart policy: ${restart}`)
  return attached
}
/** [host[:port]/]path[:tag][@digest], roughly. */
const imagePattern =
  /^(?:[A-Za-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?$/

export const run: Verb = {
  required: ['image'],
  usage:
    'NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]',
  flags: [
    ...writeFlags,
    ...[
      'image:string',
      'env:array',
      'port:int',
      'labels|l:string',
      'annotations:array',
      'restart:string=Always',
      'command:bool',
      'stdin|i:bool',
      'tty|t:bool',
    ],
    ...[
      'attach:bool',
      'rm:bool',
      'quiet|q:bool',
      'expose:bool',
      'image-pull-policy:string',
      'privileged:bool',
      'leave-stdin-open:bool',
      'overrides:string',
    ],
    ...[
      'override-type:string=merge',
      'pod-running-timeout:duration=1m0s',
      'container|c:string',
      'grace-period:int=-1',
      'timeout:duration=0s',
      'wait:bool',
    ],
  ],
  run: async (invocation) => {
    const { session, flags } = invocation
    const attached = refuseContradictions(invocation)
    const pod = overridden(invocation, podOf(invocation), 'pods')
    const info = await placeGenerated(invocation, pod)
    if (!attached) {
      if (flags.bool('expose')) await exposeToo(invocation)
      await createObject(invocation, info, 'kubectl-run')
      return 0
    }
    const { client } = await session.connect()
    await client.create(info.resource, info.object as Dynamic, { namespace: info.namespace }, { query: { fieldManager: 'kubectl-run' } })
    try {
      await attachOrLog(invocation, info)
      const { code, text } = await exitOf(invocation, info)
      if (flags.bool('rm')) await removePod(invocation, info)
      if (text) session.complain(text)
      return code
    } catch (error) {
      if (flags.bool('rm')) await removePod(invocation, info)
      throw error
    }
  },
}

const removePod = async ({ session, flags }: Invocation, info: Info): Promise<void> => {
  const { client } = await session.connect()
  await client.remove(info.resource, targetOf(info), { propagationPolicy: 'Background' })
  if (!flags.bool('quiet')) session.say(`pod ${JSON.stringify(info.name)} deleted`)
}

const isOver = (object: Dynamic | undefined): boolean => !object || ['Succeeded', 'Failed'].includes(textAt(object, 'status.phase'))
const isReady = (object: Dynamic | undefined): boolean =>
  textAt(object, 'status.phase') === 'Running' &&
  listAt(object, 'status.conditions').some(({ type, status }) => type === 'Ready' && status === 'True')

/** A pod that was over before anyone could attach has its log shown instead. */
const attachOrLog = async (invocation: Invocation, info: Info): Promise<void> => {
  const { session, flags } = invocation
  const timeoutMs = flags.durationMs('pod-running-timeout') ?? 60_000
  const pod = await waitUntil(session, info, timeoutMs, (object) => isOver(object) || isReady(object)).catch((error: Error) => {
    throw /^timed out waiting/.test(error.message) ? new UsageError('timed out waiting for the condition') : error
  })
  if (!pod) throw new UsageError(`pods ${JSON.stringify(info.name)} not found`)
  if (isOver(pod)) return printLog(invocation, info.name)
  const failure = await attachTo(invocation, pod).then(
    ({ code, message }) => (code === 0 ? undefined : (message ?? `exit code ${code}`)),
    (error: Error) => error.message,
  )
  if (failure === undefined) return
  session.complain(`warning: couldn't attach to pod/${info.name}, falling back to streaming logs: ${failure}`)
  await printLog(invocation, info.name)
}

const printLog = async ({ session }: Invocation, name: string): Promise<void> => {
  const { client, namespace } = await session.connect()
  const reply = await client.handler({
    ...{ verb: 'get', group: '', version: 'v1', resource: 'pods', subresource: 'log' },
    ...{ namespace, name, query: {}, identity: client.identity, accept: '*/*' },
  })
  if ('stream' in reply) for await (const chunk of reply.stream as AsyncIterable<Buffer>) session.deps.stdout.write(chunk)
}

interface Ended {
  readonly code: number
  /** What is said about it, after all else. */
  readonly text?: string
}

/** With a restart policy other than Always the command ends as its container did. */
const exitOf = async ({ session, flags }: Invocation, info: Info): Promise<Ended> => {
  if (flags.text('restart') === 'Always' || flags.bool('leave-stdin-open')) return { code: 0 }
  const pod = await waitUntil(session, info, flags.durationMs('pod-running-timeout') ?? 60_000, isOver)
  if (textAt(pod, 'status.phase') !== 'Failed') return { code: 0 }
  const terminated = mapAt(listAt(pod, 'status.containerStatuses')[0], 'state.terminated')
  const { exitCode, reason = '', message = '' } = terminated
  const about = `pod ${info.namespace}/${info.name}`
  if (!Number(exitCode)) return { code: 1, text: `error: ${about} failed with unknown exit code` }
  return { code: Number(exitCode), text: `${about} terminated (${reason})\n${message}`.trimEnd() }
}

const exposeToo = async (invocation: Invocation): Promise<void> => {
  const { flags, args } = invocation
  const port = flags.int('port') ?? 0
  const name = args[0] as string
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { ports: [{ port, protocol: 'TCP', targetPort: port }], selector: { run: name } },
    status: { loadBalancer: {} },
  }
  await createObject(invocation, await placeGenerated(invocation, service), 'kubectl-run')
  if (flags.text('output') === 'yaml') invocation.session.say('---')
}
