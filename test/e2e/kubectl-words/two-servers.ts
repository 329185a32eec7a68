import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { noNodes, startApiServer } from '@skiff/apiserver'
import { runKubectl } from '@skiff/cli'
import { startControllers } from '@skiff/controllers'
import { type Env, systemEnv } from '@skiff/machinery'
import { openMemoryStore } from '@skiff/store'
import { signers } from '../../../packages/cluster/src/signers.ts'

// Two equal servers in this process: real kubectl speaks to one, Skiff's verbs to the other, and what they say is compared.

const wantedVersion = '1.33'

/** A kubectl of the wanted version: kubectl.1.33 beside the one on the PATH, or that one itself. */
export const findKubectl = (): string | undefined => {
  for (const dir of (process.env.PATH ?? '').split(':')) {
    const path = join(dir, 'kubectl')
    if (!existsSync(path)) continue
    const real = realpathSync(path)
    const beside = `${join(dirname(real), 'kubectl')}.${wantedVersion}`
    if (existsSync(beside)) return beside
    try {
      if (execFileSync(real, ['version', '--client'], { encoding: 'utf8' }).includes(`v${wantedVersion}.`)) return real
    } catch {
      // Not one that runs here.
    }
  }
  return undefined
}

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}
export interface Step {
  /** A command line after `kubectl`, split as a shell splits it. */
  readonly line: string
  readonly stdin?: string
}

/** Splits at blanks; single and double quotes keep them. */
export const splitLine = (line: string): string[] =>
  [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) => word.replace(/'([^']*)'|"([^"]*)"/g, (_all, a, b) => a ?? b))

const kubeconfig = (port: number): string =>
  `apiVersion: v1
clusters:
- cluster:
    insecure-skip-tls-verify: true
    server: https://127.0.0.1:${port}
  name: c
contexts:
- context:
    cluster: c
    user: u
  name: ctx
current-context: ctx
kind: Config
preferences: {}
users:
- name: u
  user:
    token: admintoken
`

/** Uids, ports, random suffixes and each side's own folder, made equal. */
export const plain = (said: string, dir: string, port: number): string =>
  said
    .replaceAll(dir, 'DIR')
    .replace(/^([WE])\d{4} [\d:.]+ +\d+ /gm, '$1 ')
    .replaceAll(`127.0.0.1:${port}`, 'SERVER')
    .replaceAll(String(port), 'PORT')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID')
    .replace(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-XXXXX')
    .replace(/(resourceVersion"?:\s*)"\d+"/g, '$1RV')
    .replace(/\/tmp\/(LIVE|MERGED)-[\w]+/g, '/tmp/$1')
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?: \+0000|Z)/g, 'TIME')

const startServer = async (env: Env, dir: string) => {
  const store = openMemoryStore()
  const api = await startApiServer({
    store,
    env,
    pkiDir: join(dir, 'pki'),
    host: '127.0.0.1',
    port: 0,
    advertiseAddress: '10.99.0.1',
    serviceCidr: '10.96.0.0/16',
    nodes: noNodes,
    tokens: [
      (token) =>
        token === 'admintoken'
          ? { identity: { name: 'admin', groups: ['system:masters', 'system:authenticated'] }, untilMs: Number.POSITIVE_INFINITY }
          : undefined,
    ],
  })
  const controllers = await startControllers({
    client: api.client({ name: 'system:kube-controller-manager', groups: ['system:authenticated'] }),
    env,
    // What objects need to be made and unmade; nothing that changes what a test has written.
    enabled: [
      'serviceaccount-controller',
      'namespace-controller',
      'garbage-collector-controller',
      'root-ca-certificate-publisher-controller',
    ],
    resources: () => api.registry.all().filter((kind) => !kind.conversion),
    ...signers(api, env),
  })
  return {
    port: api.port,
    api,
    close: async () => {
      await controllers.stop()
      await api.close()
      await store.close()
    },
  }
}

export interface TwoServers {
  readonly dir: string
  /** What real kubectl says of the line. */
  kubectl(step: Step): Promise<Said>
  /** What Skiff's verbs say of it. */
  skiff(step: Step): Promise<Said>
  readonly clients: readonly ReturnType<Awaited<ReturnType<typeof startServer>>['api']['client']>[]
  close(): Promise<void>
}

export const startTwoServers = async (kubectl: string, files: Readonly<Record<string, string>>): Promise<TwoServers> => {
  const dir = mkdtempSync(join(tmpdir(), 'kubectl-words-'))
  // The servers' clock stands still, so that ages are the same whenever they are asked for.
  const real = systemEnv()
  const startedMs = real.now()
  const env: Env = { ...real, now: () => startedMs }
  const sides = await Promise.all(
    ['kubectl', 'skiff'].map(async (name) => {
      const home = join(dir, name)
      mkdirSync(join(home, 'pki'), { recursive: true })
      const server = await startServer(env, home)
      writeFileSync(join(home, 'config'), kubeconfig(server.port))
      return { home, server }
    }),
  )
  const [far, near] = sides as [(typeof sides)[0], (typeof sides)[0]]
  mkdirSync(join(dir, 'files'))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, 'files', name), content)
  const words = (line: string) => splitLine(line.replaceAll('FILES', join(dir, 'files')))
  const variables = (home: string) => ({ PATH: process.env.PATH, HOME: home, KUBECONFIG: join(home, 'config'), TZ: 'UTC' })
  const cleaned = (said: Said, { home, server }: (typeof sides)[0]): Said => ({
    code: said.code,
    stdout: plain(said.stdout, home, server.port),
    stderr: plain(said.stderr, home, server.port),
  })
  return {
    dir,
    clients: sides.map(({ server }) => server.api.client({ name: 'admin', groups: ['system:masters'] })),
    kubectl: async ({ line, stdin }) => {
      const child = spawn(kubectl, words(line), { argv0: 'kubectl', env: variables(far.home), cwd: dir, stdio: ['pipe', 'pipe', 'pipe'] })
      child.stdin.end(stdin ?? '')
      const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)))
      const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
      return cleaned({ code, stdout, stderr }, far)
    },
    skiff: async ({ line, stdin }) => {
      const [out, err] = [new PassThrough(), new PassThrough()]
      const printed = Promise.all([text(out), text(err)])
      const code = await runKubectl(words(line), {
        fallbackKubeconfig: () => undefined,
        env: systemEnv(),
        stdin: Readable.from([Buffer.from(stdin ?? '')]),
        stdout: out,
        stderr: err,
        variables: variables(near.home),
      })
      out.end()
      err.end()
      const [stdout, stderr] = await printed
      return cleaned({ code, stdout, stderr }, near)
    },
    close: async () => {
      await Promise.all(sides.map(({ server }) => server.close()))
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
