import { type ExecClient, openExec } from '@skiff/client'
import { type Dynamic, listAt, textAt } from '../objects/fields.ts'
import { containerOf, podOf } from '../pods/find-pod.ts'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'

interface Terminal {
  isTTY?: boolean
  setRawMode?(raw: boolean): unknown
  columns?: number
  rows?: number
}

const streamFlags = [
  'stdin|i:bool',
  'tty|t:bool',
  'container|c:string',
  'quiet|q:bool',
  'filename|f:list',
  'pod-running-timeout:duration=1m0s',
]

export const exec: Verb = {
  usage: '(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]',
  flags: streamFlags,
  run: async (invocation) => {
    const { session, flags, args, dashAt } = invocation
    if (dashAt === undefined && args.length > 1)
      throw new UsageError(
        "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl exec -h' for help and examples",
      )
    const [word] = args.slice(0, dashAt ?? args.length)
    if (word === undefined) throw new UsageError('pod, type/name or --filename must be specified')
    const command = dashAt === undefined ? [] : args.slice(dashAt)
    if (command.length === 0) throw new UsageError('you must specify at least one command for the container')
    const pod = await podOf(session, word)
    refuseEnded(pod, 'exec')
    return streamTo(invocation, pod, flags.text('container') || containerOf(session, pod, undefined, flags.bool('quiet')), command)
  },
}

export const attach: Verb = {
  usage: '(POD | TYPE/NAME) -c CONTAINER',
  flags: streamFlags,
  run: async (invocation) => {
    const { session, flags, args } = invocation
    if (args.length === 0) throw new UsageError('at least 1 argument is required for attach')
    const pod = await podOf(session, args.slice(0, 2).join('/'))
    refuseEnded(pod, 'attach')
    return attachTo(invocation, pod, containerOf(session, pod, flags.text('container'), flags.bool('quiet')))
  },
}

/** Attaches to a container; a terminal is asked for only where the container has one. */
export const attachTo = async (invocation: Invocation, pod: Dynamic, container: string): Promise<number> => {
  const spec = listAt(pod, 'spec.containers').find(({ name }) => name === container)
  const hasTty = spec?.tty === true
  if (invocation.flags.bool('tty') && !hasTty)
    invocation.session.complain(`error: Unable to use a TTY - container ${container} did not allocate one`)
  if (!invocation.flags.bool('quiet')) invocation.session.complain("If you don't see a command prompt, try pressing enter.")
  return streamTo(invocation, pod, container, undefined, hasTty)
}

const refuseEnded = (pod: Dynamic, what: string): void => {
  const phase = textAt(pod, 'status.phase')
  if (phase === 'Succeeded' || phase === 'Failed')
    throw new UsageError(`cannot ${what} ${what === 'exec' ? 'into' : 'to'} a container in a completed pod; current phase is ${phase}`)
}

const streamTo = async (
  { session, flags }: Invocation,
  pod: Dynamic,
  container: string,
  command: readonly string[] | undefined,
  ttyAllowed = true,
): Promise<number> => {
  const { http } = await session.connect()
  const stdin = flags.bool('stdin')
  const terminal = session.deps.stdin as Terminal
  const wantsTty = flags.bool('tty') && ttyAllowed
  if (wantsTty && stdin && !terminal.isTTY) session.complain('Unable to use a TTY - input is not a terminal or the right kind of file')
  const tty = wantsTty && stdin && terminal.isTTY === true
  const client = await openExec({
    connect: http.webSockets,
    namespace: pod.metadata.namespace ?? '',
    pod: pod.metadata.name,
    container,
    ...(command ? { command } : {}),
    streams: { stdin, stdout: true, stderr: !tty, tty },
    env: session.env,
  })
  const release = tty ? takeTerminal(session, client) : () => {}
  try {
    return await carry(session, client, stdin, tty)
  } finally {
    release()
  }
}

/** Raw mode and window sizes; the returned function gives the terminal back. */
const takeTerminal = (session: Session, client: ExecClient): (() => void) => {
  const input = session.deps.stdin as Terminal
  const output = session.deps.stdout as Terminal & NodeJS.EventEmitter
  const resize = () => client.resize(output.columns ?? 80, output.rows ?? 24)
  input.setRawMode?.(true)
  output.on('resize', resize)
  resize()
  return () => {
    input.setRawMode?.(false)
    output.off('resize', resize)
  }
}

const carry = async (session: Session, client: ExecClient, stdin: boolean, tty: boolean): Promise<number> => {
  const { deps } = session
  client.stdout.pipe(deps.stdout, { end: false })
  if (!tty) client.stderr.pipe(deps.stderr, { end: false })
  else client.stderr.resume()
  if (stdin) deps.stdin.pipe(client.stdin)
  const interrupt = () => client.close()
  deps.signal?.addEventListener('abort', interrupt)
  const exit = await client.exit
  deps.signal?.removeEventListener('abort', interrupt)
  if (stdin) {
    deps.stdin.unpipe(client.stdin)
    deps.stdin.pause()
  }
  if (exit.code === 0) return 0
  const message = exit.message ?? `command terminated with exit code ${exit.code}`
  session.complain(
    /^command terminated with/.test(message)
      ? message
      : /terminated with (?:non-zero )?exit code/.test(message)
        ? `command terminated with exit code ${exit.code}`
        : `error: ${message}`,
  )
  return exit.code
}
