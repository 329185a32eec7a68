import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { loadYaml } from '@skiff/machinery'
import type { HttpOptions } from './over-http.ts'

export interface ClusterEntry {
  readonly server?: string
  readonly 'certificate-authority'?: string
  readonly 'certificate-authority-data'?: string
  readonly 'insecure-skip-tls-verify'?: boolean
  readonly 'tls-server-name'?: string
}
export interface UserEntry {
  readonly 'client-certificate'?: string
  readonly 'client-certificate-data'?: string
  readonly 'client-key'?: string
  readonly 'client-key-data'?: string
  readonly token?: string
  readonly tokenFile?: string
  readonly username?: string
  readonly password?: string
  readonly as?: string
  readonly 'as-groups'?: readonly string[]
  readonly exec?: ExecPlugin
}
export interface ExecPlugin {
  readonly apiVersion: string
  readonly command: string
  readonly args?: readonly string[] | null
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null
}
export interface ContextEntry {
  readonly cluster?: string
  readonly user?: string
  readonly namespace?: string
}

/** The merged view of one or several kubeconfig files. Paths in entries are absolute. */
export interface Kubeconfig {
  readonly clusters: Readonly<Record<string, ClusterEntry>>
  readonly users: Readonly<Record<string, UserEntry>>
  readonly contexts: Readonly<Record<string, ContextEntry>>
  readonly currentContext: string
  /** Files in the order in which they count, the existing ones. */
  readonly files: readonly string[]
}

interface ConfigFile {
  readonly clusters?: readonly { readonly name: string; readonly cluster?: ClusterEntry }[] | null
  readonly users?: readonly { readonly name: string; readonly user?: UserEntry }[] | null
  readonly contexts?: readonly { readonly name: string; readonly context?: ContextEntry }[] | null
  readonly 'current-context'?: string
}

const pathKeys = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile'] as const

const absolute = <T extends object>(entry: T, dir: string): T => {
  const result: Record<string, unknown> = { ...(entry as Record<string, unknown>) }
  for (const key of pathKeys) {
    const value = result[key]
    if (typeof value === 'string' && value !== '' && !isAbsolute(value)) result[key] = join(dir, value)
  }
  return result as T
}

/** Reads files; for each name the first file that has it counts, and the first current context. Missing files count as empty. */
export const readKubeconfigs = (paths: readonly string[]): Kubeconfig => {
  const clusters: Record<string, ClusterEntry> = Object.create(null)
  const users: Record<string, UserEntry> = Object.create(null)
  const contexts: Record<string, ContextEntry> = Object.create(null)
  let currentContext = ''
  const files = paths.filter((path) => path !== '' && existsSync(path))
  for (const path of files) {
    let file: ConfigFile
    try {
      file = (loadYaml(readFileSync(path, 'utf8')).value ?? {}) as unknown as ConfigFile
    } catch (error) {
      throw new Error(`error loading config file "${path}": ${(error as Error).message}`)
    }
    const dir = dirname(path)
    for (const { name, cluster } of file.clusters ?? []) clusters[name] ??= absolute(cluster ?? {}, dir)
    for (const { name, user } of file.users ?? []) users[name] ??= absolute(user ?? {}, dir)
    for (const { name, context } of file.contexts ?? []) contexts[name] ??= context ?? {}
    currentContext ||= file['current-context'] ?? ''
  }
  return { clusters, users, contexts, currentContext, files }
}

/** What flags say over the file. */
export interface ConnectionFlags {
  readonly kubeconfig?: string
  readonly context?: string
  readonly cluster?: string
  readonly user?: string
  readonly namespace?: string
  readonly server?: string
  readonly token?: string
  readonly username?: string
  readonly password?: string
  readonly as?: string
  readonly asGroup?: readonly string[]
  readonly asUid?: string
  readonly insecure?: boolean
  readonly certificateAuthority?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly tlsServerName?: string
}

type Variables = Readonly<Record<string, string | undefined>>

/** Where kubectl looks: --kubeconfig, else the list in KUBECONFIG, else ~/.kube/config. */
export const kubeconfigPaths = (flag: string | undefined, variables: Variables): string[] => {
  if (flag) return [flag]
  if (variables.KUBECONFIG) return variables.KUBECONFIG.split(':').filter((path) => path !== '')
  return variables.HOME ? [join(variables.HOME, '.kube', 'config')] : []
}

export interface Chosen {
  readonly http: HttpOptions
  readonly namespace: string
}

/** The connection that files and flags name. Throws kubectl's texts for what is missing. */
export const chooseConnection = async (config: Kubeconfig, flags: ConnectionFlags): Promise<Chosen> => {
  const contextName = flags.context ?? config.currentContext
  const context = config.contexts[contextName]
  if (!context && flags.context) throw new Error(`context "${flags.context}" does not exist`)
  const clusterName = flags.cluster ?? context?.cluster
  const userName = flags.user ?? context?.user
  const cluster = clusterName === undefined ? undefined : config.clusters[clusterName]
  const user = userName === undefined ? undefined : config.users[userName]
  if (flags.cluster && !cluster) throw new Error(`cluster "${flags.cluster}" does not exist`)
  if (flags.user && !user) throw new Error(`auth info "${flags.user}" does not exist`)
  const server = flags.server ?? cluster?.server
  return {
    namespace: flags.namespace ?? (context?.namespace || 'default'),
    http: {
      server: normalServer(server || 'http://localhost:8080'),
      ...trustOf(cluster ?? {}, flags),
      ...(await credentials(user ?? {}, flags)),
    },
  }
}

const normalServer = (server: string): string => (/^https?:\/\//.test(server) ? server : `http://${server}`)

const fileOrData = (path: string | undefined, data: string | undefined): Buffer | undefined =>
  data ? Buffer.from(data, 'base64') : path ? readFileSync(path) : undefined

const trustOf = (cluster: ClusterEntry, flags: ConnectionFlags): Partial<HttpOptions> => {
  const insecure = flags.insecure ?? cluster['insecure-skip-tls-verify'] ?? false
  const ca = flags.certificateAuthority
    ? readFileSync(flags.certificateAuthority)
    : fileOrData(cluster['certificate-authority'], cluster['certificate-authority-data'])
  const servername = flags.tlsServerName ?? cluster['tls-server-name']
  return { ...(insecure ? { insecure } : ca ? { ca } : {}), ...(servername ? { servername } : {}) }
}

const credentials = async (user: UserEntry, flags: ConnectionFlags): Promise<Partial<HttpOptions>> => {
  const as = flags.as ?? user.as
  const groups = flags.asGroup ?? user['as-groups'] ?? []
  const impersonate = as ? { impersonate: { name: as, groups, ...(flags.asUid ? { uid: flags.asUid } : {}) } } : {}
  const cert = flags.clientCertificate
    ? readFileSync(flags.clientCertificate)
    : fileOrData(user['client-certificate'], user['client-certificate-data'])
  const key = flags.clientKey ? readFileSync(flags.clientKey) : fileOrData(user['client-key'], user['client-key-data'])
  const tokenFile = user.tokenFile
  const token = flags.token ?? (tokenFile ? () => readFileSync(tokenFile, 'utf8').trim() : user.token)
  const username = flags.username ?? user.username
  const own = {
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(token ? { token } : {}),
    ...(username ? { basic: { username, password: flags.password ?? user.password ?? '' } } : {}),
  }
  const given = Object.keys(own).length > 0 || !user.exec ? own : await fromPlugin(user.exec)
  return { ...given, ...impersonate }
}

/** client-go's credential plugins: a command that prints an ExecCredential. */
const fromPlugin = async (plugin: ExecPlugin): Promise<Partial<HttpOptions>> => {
  const info = JSON.stringify({ kind: 'ExecCredential', apiVersion: plugin.apiVersion, spec: { interactive: false } })
  const extra = Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value]))
  const { stdout } = await promisify(execFile)(plugin.command, [...(plugin.args ?? [])], {
    env: { ...process.env, ...extra, KUBERNETES_EXEC_INFO: info },
  }).catch((error: Error) => {
    throw new Error(`getting credentials: exec: ${error.message}`)
  })
  const status = (JSON.parse(stdout) as { status?: Record<string, string> }).status ?? {}
  return {
    ...(status.token ? { token: status.token } : {}),
    ...(status.clientCertificateData ? { cert: status.clientCertificateData } : {}),
    ...(status.clientKeyData ? { key: status.clientKeyData } : {}),
  }
}

const accountDir = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The connection of a process in a pod; undefined outside of one. */
export const inClusterConnection = (variables: Variables, dir = accountDir): Chosen | undefined => {
  const [host, port] = [variables.KUBERNETES_SERVICE_HOST, variables.KUBERNETES_SERVICE_PORT]
  if (!host || !port || !existsSync(join(dir, 'token'))) return undefined
  const name = host.includes(':') ? `[${host}]` : host
  return {
    namespace: existsSync(join(dir, 'namespace')) ? readFileSync(join(dir, 'namespace'), 'utf8').trim() : 'default',
    http: {
      server: `https://${name}:${port}`,
      ca: readFileSync(join(dir, 'ca.crt')),
      token: () => readFileSync(join(dir, 'token'), 'utf8').trim(), // rotated by the node agent
    },
  }
}

/**
 * Everything kubectl does to find its server. `fallback` is the path of a kubeconfig for when no file, flag or pod names one; `inspect`
 * sees what the files say. They are read once: one may be a pipe, `--kubeconfig <(…)`.
 */
export const findConnection = async (
  flags: ConnectionFlags,
  variables: Variables,
  fallback?: () => string | undefined,
  inspect?: (config: Kubeconfig) => void,
): Promise<Chosen> => {
  if (flags.kubeconfig && !existsSync(flags.kubeconfig)) throw new Error(`stat ${flags.kubeconfig}: no such file or directory`)
  const config = readKubeconfigs(kubeconfigPaths(flags.kubeconfig, variables))
  inspect?.(config)
  const empty = Object.keys(config.clusters).length === 0
  if (!empty || flags.server) return chooseConnection(config, flags)
  const inside = inClusterConnection(variables)
  if (inside) return { ...inside, namespace: flags.namespace ?? inside.namespace }
  const path = fallback?.()
  return chooseConnection(path ? readKubeconfigs([path]) : config, flags)
}
