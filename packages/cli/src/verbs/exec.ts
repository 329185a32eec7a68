import { spawnSync } from 'node:child_process'
import type { Stream } from 'node:stream'
import { type ExecClient, type ExecExit, openExec } from '@skiff/client'
import { type Dynamic, listAt, textAt } from '../objects/fields.ts'
import { containerOf, containersOf, podOf } from '../pods/find-pod.ts'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'

interface Terminal {
  isTTY?: boolean
  setRawMode?(raw: boolean): unknown
  columns?: number
  rows?: number
}

/** What a command's streams go to. Without `command` it is the container's own process. */
interface Goal {
  readonly pod: Dynamic
  readonly container: string
  readonly command?: readonly string[]
  /** A terminal is wanted; there is one only where standard input is one and is carried. */
  readonly tty: boolean
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
    refuseEnded(pod, 'exec into')
    const container = flags.text('container') || containerOf(session, pod, undefined, flags.bool('quiet'))
    return tellExit(session, await carryStreams(invocation, { pod, container, command, tty: flags.bool('tty') }))
  },
}

export const attach: Verb = {
  usage: '(POD | TYPE/NAME) -c CONTAINER',
  flags: streamFlags,
  run: async (invocation) => {
    const { session, args } = invocation
    if (args.length === 0) throw new UsageError('at least 1 argument is required for attach')
    if (args.length > 2)
      throw new UsageError(`expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ${args.length}: [${args.join(' ')}]`)
    const pod = await podOf(session, args.join('/'))
    refuseEnded(pod, 'attach')
    return tellExit(session, await attachTo(invocation, pod))
  },
}

/** Attaches to a container of a pod. It has a terminal where the container has one, whatever was asked. */
export const attachTo = async (invocation: Invocation, pod: Dynamic): Promise<ExecExit> => {
  const { session, flags } = invocation
  const asked = flags.text('container')
  if (asked && !containersOf(pod).includes(asked))
    throw new UsageError(`cannot attach to the container: container ${asked} not found in pod ${pod.metadata.name}`)
  const container = containerOf(session, pod, asked, flags.bool('quiet'))
  const spec = [...listAt(pod, 'spec.containers'), ...listAt(pod, 'spec.initContainers')].find(({ name }) => name === container)
  const tty = spec?.tty === true
  if (flags.bool('tty') && !tty && !flags.bool('quiet'))
    session.complain(`error: Unable to use a TTY - container ${container} did not allocate one`)
  return carryStreams(invocation, { pod, container, tty })
}

/** `what` is the verb as its sentence has it. */
const refuseEnded = (pod: Dynamic, what: string): void => {
  const phase = textAt(pod, 'status.phase')
  if (phase === 'Succeeded' || phase === 'Failed')
    throw new UsageError(`cannot ${what} a container in a completed pod; current phase is ${phase}`)
}

const carryStreams = async ({ session, flags }: Invocation, goal: Goal): Promise<ExecExit> => {
  const { pod, container, command } = goal
  const { http } = await session.connect()
  const stdin = flags.bool('stdin')
  const quiet = flags.bool('quiet')
  const isTerminal = (session.deps.stdin as Terminal).isTTY === true
  if (goal.tty && stdin && !isTerminal && !quiet)
    session.complain('Unable to use a TTY - input is not a terminal or the right kind of file')
  const tty = goal.tty && stdin && isTerminal
  if (!command && !quiet) session.complain("If you don't see a command prompt, try pressing enter.")
  const client = await openExec({
    connect: http.webSockets,
    namespace: pod.metadata.namespace ?? '',
    pod: pod.metadata.name,
    container,
    ...(command ? { command } : {}),
    streams: { stdin, stdout: true, stderr: !tty, tty },
    env: session.env,
  })
  const release = tty ? takeTerminal(session, client, command === undefined) : () => {}
  try {
    const exit = await carry(session, client, stdin, tty)
    if (exit.code === 0 && !command && tty && !quiet) tellReattach(session, goal)
    return exit
  } finally {
    release()
  }
}

const tellReattach = ({ deps, say }: Session, { pod, container }: Goal): void => {
  if (textAt(pod, 'spec.restartPolicy') !== 'Always') return
  const words = `${deps.name ?? 'kubectl'} attach ${pod.metadata.name} -c ${container} -i -t`
  say(
    listAt(pod, 'spec.ephemeralContainers').some(({ name }) => name === container)
      ? `Session ended, the ephemeral container will not be restarted but may be reattached using '${words}' if it is still running`
      : `Session ended, resume using '${words}' command when the pod is running`,
  )
}

/** Node's raw mode still makes CR LF of each LF, which programs that move the cursor do not expect. Its end restores this too. */
const plainOutput = ({ deps }: Session): void => {
  spawnSync('stty', ['-opost'], { stdio: [deps.stdin as Stream, 'ignore', 'ignore'] })
}

/** Raw mode and window sizes; the returned function gives the terminal back. */
const takeTerminal = (session: Session, client: ExecClient, redraw: boolean): (() => void) => {
  const input = session.deps.stdin as Terminal
  const output = session.deps.stdout as Terminal & NodeJS.EventEmitter
  const tell = (more: number): void => client.resize((output.columns ?? 80) + more, (output.rows ?? 24) + more)
  const resize = (): void => tell(0)
  input.setRawMode?.(true)
  plainOutput(session)
  output.on('resize', resize)
  // Who attaches to a running program sees its screen only when it draws it again; a change of size makes it.
  if (redraw) tell(1)
  resize()
  return () => {
    input.setRawMode?.(false)
    output.off('resize', resize)
  }
}

const carry = async (session: Session, client: ExecClient, stdin: boolean, tty: boolean): Promise<ExecExit> => {
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
  return exit
}

/** Says how a command ended where that was not well, and gives the exit code. */
export const tellExit = (session: Session, { code, message }: ExecExit): number => {
  if (code === 0) return 0
  const text = message ?? `command terminated with exit code ${code}`
  session.complain(
    /^command terminated with/.test(text)
      ? text
      : /terminated with (?:non-zero )?exit code/.test(text)
        ? `command terminated with exit code ${code}`
        : `error: ${text}`,
  )
  return code
}
