import type { Readable, Writable } from 'node:stream'
import {
  type Client,
  type ConnectionFlags,
  connect,
  type Discovered,
  discover,
  findConnection,
  type Handler,
  type HttpConnection,
  type Kubeconfig,
  openHttp,
  type RestMapping,
  restMapping,
} from '@skiff/client'
import { type Env, isRefusal, parseDurationMs } from '@skiff/machinery'
import type { FlagSpec, Flags } from './flags.ts'
import { ConfigurationError, UsageError } from './usage-error.ts'

/** What the verbs take from outside. */
export interface KubectlDeps {
  /** The path of a kubeconfig for when no flag, file or pod names one. */
  readonly fallbackKubeconfig: () => string | undefined
  readonly env: Env
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Ends when the user interrupts the command. */
  readonly signal?: AbortSignal
  /** From its call on Ctrl-C no longer ends the program, but this signal. For verbs that end in their own way. */
  readonly catchInterrupts?: () => AbortSignal
  /** What the command is called in its own texts. */
  readonly name?: string
}

/** Flags that every verb has. */
export const connectionFlags: readonly FlagSpec[] = [
  'kubeconfig:string',
  'context:string',
  'cluster:string',
  'user:string',
  'namespace|n:string',
  'server|s:string',
  'token:string',
  'username:string',
  'password:string',
  'as:string',
  'as-group:array',
  'as-uid:string',
  'insecure-skip-tls-verify:bool',
  'certificate-authority:string',
  'client-certificate:string',
  'client-key:string',
  'tls-server-name:string',
  'request-timeout:string=0',
  'cache-dir:string',
  'v|v:int',
  'warnings-as-errors:bool',
  'match-server-version:bool',
  'disable-compression:bool',
]

export interface Connected {
  readonly http: HttpConnection
  readonly client: Client
  /** --namespace, else the context's, else default. */
  readonly namespace: string
  readonly server: string
}

/** One run of a verb. */
export interface Session {
  readonly deps: KubectlDeps
  readonly env: Env
  connect(): Promise<Connected>
  discover(): Promise<Discovered>
  mapping(): Promise<RestMapping>
  readonly connection: ConnectionFlags
  /** Ends when the user interrupts; the verb that asks has to end by it. */
  interrupted(): AbortSignal | undefined
  /** Prints text as it is. */
  write(text: string): void
  /** Prints a line. */
  say(line: string): void
  complain(line: string): void
  close(): void
}

/** The connection's part of the flags. */
export const connectionFlagsOf = (flags: Flags): ConnectionFlags => ({
  ...textFlags(flags, {
    kubeconfig: 'kubeconfig',
    context: 'context',
    cluster: 'cluster',
    user: 'user',
    namespace: 'namespace',
    server: 'server',
  }),
  ...textFlags(flags, { token: 'token', username: 'username', password: 'password', as: 'as', asUid: 'as-uid' }),
  ...textFlags(flags, { certificateAuthority: 'certificate-authority', clientCertificate: 'client-certificate' }),
  ...textFlags(flags, { clientKey: 'client-key', tlsServerName: 'tls-server-name' }),
  ...(flags.has('as-group') ? { asGroup: flags.list('as-group') } : {}),
  ...(flags.has('insecure-skip-tls-verify') ? { insecure: flags.bool('insecure-skip-tls-verify') } : {}),
})

const textFlags = (flags: Flags, names: Readonly<Record<string, string>>): Record<string, string> => {
  const result: Record<string, string> = {}
  for (const [key, name] of Object.entries(names)) {
    const value = flags.text(name)
    if (value) result[key] = value
  }
  return result
}

/** A session of one verb. Nothing is asked of the server before the verb does. */
export const openSession = (deps: KubectlDeps, flags: Flags): Session => {
  const connection = connectionFlagsOf(flags)
  let connected: Promise<Connected> | undefined
  let discovered: Promise<Discovered> | undefined
  let mapped: Promise<RestMapping> | undefined
  let open: HttpConnection | undefined
  const complain = (line: string): void => void deps.stderr.write(`${line}\n`)
  const warned = new Set<string>()
  const warnOnce = (text: string): void => {
    if (!warned.has(text)) complain(`Warning: ${text}`)
    warned.add(text)
  }
  const start = async (): Promise<Connected> => {
    const inspect = (config: Kubeconfig) => refuseMissing(connection, config)
    const { http: options, namespace } = await findConnection(connection, deps.variables, deps.fallbackKubeconfig, inspect)
    const http = openHttp({ ...options, userAgent: 'kubectl/v1.33.0 (linux/amd64) skiff' })
    open = http
    const handler = warning(namingNamespace(bounded(http.handler, timeoutMs(flags))), complain)
    return { http, namespace, server: options.server, client: connect(handler, { name: '', groups: [] }) }
  }
  const session: Session = {
    deps,
    env: deps.env,
    connection,
    connect: () => (connected ??= start()),
    discover: () => (discovered ??= session.connect().then(({ http }) => discover(http))),
    mapping: () => (mapped ??= session.discover().then((found) => restMapping(found, warnOnce))),
    interrupted: () => deps.signal ?? deps.catchInterrupts?.(),
    write: (text) => void deps.stdout.write(text),
    say: (line) => void deps.stdout.write(`${line}\n`),
    complain,
    close: () => open?.close(),
  }
  return session
}

/** Refuses a context or cluster that no file has, in kubectl's words. */
const refuseMissing = (connection: ConnectionFlags, { contexts, clusters, currentContext }: Kubeconfig): void => {
  const name = connection.context ?? currentContext
  if (name && !Object.hasOwn(contexts, name) && (connection.context !== undefined || !connection.server))
    throw new ConfigurationError(`context was not found for specified context: ${name}`)
  if (connection.cluster && !Object.hasOwn(clusters, connection.cluster))
    throw new UsageError(`no server found for cluster "${connection.cluster}"`)
}

const timeoutMs = (flags: Flags): number => {
  const text = flags.text('request-timeout') ?? '0'
  if (/^\d+$/.test(text)) return Number(text) * 1000
  try {
    return parseDurationMs(text)
  } catch {
    throw new UsageError(
      'Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)',
    )
  }
}

const bounded =
  (handler: Handler, ms: number): Handler =>
  (call) =>
    handler(ms > 0 && !call.signal ? { ...call, signal: AbortSignal.timeout(ms) } : call)

/** A missing object in a missing namespace is told as the namespace's absence. */
const namingNamespace =
  (handler: Handler): Handler =>
  async (call) => {
    try {
      return await handler(call)
    } catch (error) {
      const { verb, namespace = '', identity } = call
      if (verb === 'get' && isRefusal(error, 404) && namespace !== '' && namespace !== 'default')
        await handler({ verb: 'get', group: '', version: 'v1', resource: 'namespaces', name: namespace, query: {}, identity }).catch(
          (missing) => {
            if (isRefusal(missing, 404)) throw missing
          },
        )
      throw error
    }
  }

/** Prints the server's warnings, each once. */
const warning = (handler: Handler, complain: (line: string) => void): Handler => {
  const told = new Set<string>()
  return async (call) => {
    const reply = await handler(call)
    if ('warnings' in reply)
      for (const text of reply.warnings ?? []) {
        if (told.has(text)) continue
        told.add(text)
        complain(`Warning: ${text}`)
      }
    return reply
  }
}
