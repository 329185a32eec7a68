import { execFile, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, chooseConnection, connect, overHttp, readKubeconfigs } from '@skiff/client'
import { whyNoContainerd } from '../../../packages/node/src/containerd/test-containerd.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const program = join(root, 'dist', 'skiff.js')

/** Why a cluster with real containers cannot run here; undefined when it can. */
export const whyNoCluster = async (): Promise<string | undefined> =>
  (await whyNoContainerd()) ?? (existsSync(program) ? undefined : 'skiff is not built; ./skiff version builds it')

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a program to its end. Never rejects: what matters is the exit code. */
export const run = (
  file: string,
  args: readonly string[],
  more: { readonly input?: string; readonly env?: object } = {},
): Promise<Outcome> =>
  new Promise((done) => {
    const child = execFile(
      file,
      args as string[],
      { env: { ...process.env, ...more.env }, maxBuffer: 1 << 26, timeout: 150_000, cwd: root },
      (error, out, err) => done({ code: error ? (typeof error.code === 'number' ? error.code : -1) : 0, out, err }),
    )
    // A program need not read what it is given.
    child.stdin?.on('error', () => {})
    child.stdin?.end(more.input ?? '')
  })

const start = ['--disable-warning=ExperimentalWarning', program]
/** The built program, as `./skiff` starts it. */
export const skiff = (args: readonly string[], more?: Parameters<typeof run>[2]): Promise<Outcome> =>
  run(process.execPath, [...start, ...args], more)
export const skiffInBackground = (args: readonly string[], env: object): Background =>
  background(process.execPath, [...start, ...args], env)

export const must = async (outcome: Promise<Outcome>): Promise<string> => {
  const { code, out, err } = await outcome
  if (code !== 0) throw new Error(`ended with ${code}: ${out}${err}`)
  return out
}

/** A cluster of this machine, for one test file. */
export interface TestCluster {
  readonly name: string
  readonly dir: string
  readonly kubeconfig: string
  readonly client: () => Promise<Client>
  /** Starts it, or starts it again. */
  up(...args: string[]): Promise<string>
  /** Runs a command of skiff's own in this cluster, e.g. `node cut NAME`. */
  skiff(...args: string[]): Promise<string>
  kubectl(...args: string[]): Promise<string>
  /** The server's process id. */
  pid(): number
  /** Takes it down and answers what is left of it on the machine: nothing. */
  remove(): Promise<readonly string[]>
}

export const newCluster = async (label: string): Promise<TestCluster> => {
  const name = `e2e-${label}-${process.pid}`
  const home = await mkdtemp(join(tmpdir(), 'skiff-e2e-'))
  const dir = join(home, 'data')
  const kubeconfig = join(dir, 'kubeconfig')
  const inCluster = { env: { KUBECONFIG: kubeconfig } }
  const record = () => JSON.parse(readFileSync(join(dir, 'cluster.json'), 'utf8')) as { server: { pid: number } }
  return {
    name,
    dir,
    kubeconfig,
    client: async () => {
      const { http } = await chooseConnection(readKubeconfigs([kubeconfig]), {})
      return connect(overHttp(http), { name: 'kubernetes-admin', groups: ['system:masters'] }, 'e2e')
    },
    up: (...args) => must(skiff(['up', '--name', name, '--data', dir, ...args])),
    skiff: (...args) => must(skiff(args, inCluster)),
    kubectl: (...args) => must(run('kubectl', args, inCluster)),
    pid: () => record().server.pid,
    remove: async () => {
      await must(skiff(['down', '--name', name]))
      const left = await traces(name, dir)
      await rm(home, { recursive: true, force: true })
      return left
    },
  }
}

/** Processes, mounts, namespaces, links, tables and cgroups that carry a cluster's name or directory. */
export const traces = async (name: string, dir: string): Promise<readonly string[]> => {
  const belongs = (line: string) => line.includes(name) || line.includes(dir)
  const processes = readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')]
      } catch {
        return []
      }
    })
  const lists = await Promise.all([
    run('ip', ['netns']),
    run('ip', ['-o', 'link']),
    run('nft', ['list', 'tables']),
    run('find', ['/sys/fs/cgroup', '-type', 'd', '-name', name]),
    run('find', ['/run/skiff', '/var/lib/skiff', '-maxdepth', '1', '-name', `${name}*`]),
  ])
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  const files = existsSync(dir) ? [dir] : []
  return [...[...processes, mounts, ...lists.map(({ out }) => out)].flatMap((text) => text.split('\n')).filter(belongs), ...files]
}

export interface Background {
  stop(): Promise<string>
  /** Ends it as the machine's death would. */
  kill(): Promise<void>
  printed(): string
}

/** Runs in the background; `stop` ends it and answers what it printed. */
export const background = (file: string, args: readonly string[], env: object): Background => {
  const child = spawn(file, args as string[], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (text += part.toString()))
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  return {
    printed: () => text,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      return text
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Looks until there is an answer. */
export const until = async <T>(what: string, look: () => Promise<T | undefined> | T | undefined, limitMs = 60_000): Promise<T> => {
  const deadline = performance.now() + limitMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${limitMs / 1000} s`)
    await new Promise((next) => setTimeout(next, 100))
  }
}
