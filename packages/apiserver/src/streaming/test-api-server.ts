import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { refuseUpgrade, type StreamingTarget } from '@skiff/client'
import { type Env, internalError, Refusal } from '@skiff/machinery'
import { openAuthorities } from '../authn/open-authorities.ts'
import { type Carriage, carriageOf, openBridge } from './bridge.ts'
import { type ExecRequest, parseExecRequest } from './options.ts'

const kubectlFolder = (): string | undefined => {
  try {
    return dirname(realpathSync(execFileSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).trim()))
  } catch {
    return undefined
  }
}
const folder = kubectlFolder()
const kubectlOf = (version: string) => join(folder ?? '', `kubectl.${version}`)

/** The versions of kubectl on this machine: of the oldest that we serve, the first with WebSockets for exec, and of our own. */
export const kubectls = ['1.27', '1.30', '1.33'].filter((version) => folder !== undefined && existsSync(kubectlOf(version)))

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'u1' },
  spec: { nodeName: 'n1', containers: [{ name: 'app', image: 'app' }] },
  status: { phase: 'Running', containerStatuses: [{ name: 'app', ready: true, state: { running: {} } }] },
}
const podResource = { name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get', 'create'], shortNames: ['po'] }
/** All that kubectl asks for before it opens a stream. */
const documents: Readonly<Record<string, object>> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [podResource] },
  '/api/v1/namespaces/default/pods/web': pod,
  '/version': { major: '1', minor: '33', gitVersion: 'v1.33.0' },
}

/** What a client wants streamed. */
export type Wanted = { readonly exec: ExecRequest } | { readonly portForward: true }

/**
 * For tests: an HTTPS server with one pod (default/web) and the bridge, and kubectl set up for it. `targetOf` prepares the runtime's side
 * of each session. `carriages` are how connections were carried since the last look; `idle` resolves when no client is connected.
 */
export const startTestApiServer = async (env: Env, targetOf: (wanted: Wanted) => Promise<StreamingTarget>) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-kubectl-'))
  const { serving, clients } = await openAuthorities(join(directory, 'pki'), ['127.0.0.1'], env)
  const authorityFile = join(directory, 'ca.crt')
  writeFileSync(authorityFile, clients.cert)
  const sockets = new Set<Duplex>()
  const seen: Carriage[] = []

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    try {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'https://x')
      const query = Object.fromEntries([...new Set(searchParams.keys())].map((key) => [key, searchParams.getAll(key)]))
      const exec = pathname.endsWith('/exec') ? parseExecRequest(query) : undefined
      seen.push(carriageOf(request, exec !== undefined))
      const target = await targetOf(exec ? { exec } : { portForward: true })
      const bridge = await openBridge({ request, ...(exec ? { streams: exec.streams } : {}), target, env })
      await bridge.upgrade(socket, head)
    } catch (error) {
      const { status } = error instanceof Refusal ? error : internalError(String(error))
      refuseUpgrade(socket, env, status.code, JSON.stringify(status))
    }
  }
  const server = http2.createSecureServer({ ...serving, allowHTTP1: true }, (request, response) => {
    const document = documents[new URL(request.url ?? '/', 'https://x').pathname]
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(document ?? new Refusal(404, 'NotFound', 'not found').status))
  })
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)

  const commandLine = (version: string): string[] => [
    ...[kubectlOf(version), '--server', url.origin, '--certificate-authority', authorityFile, '--token', 'any'],
    ...['--cache-dir', join(directory, version)],
  ]
  const start = (version: string, args: readonly string[]) => {
    const [program = '', ...first] = commandLine(version)
    const child = spawn(program, [...first, ...args], { env: { HOME: directory, PATH: process.env.PATH } })
    child.stdin.on('error', () => {})
    return child
  }
  return {
    url,
    authority: clients.cert,
    directory,
    carriages: () => seen.splice(0),
    commandLine,
    start,
    async kubectl(version: string, args: readonly string[], input?: Buffer) {
      const child = start(version, args)
      child.stdin.end(input)
      const chunks: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
      const errors = text(child.stderr)
      const [code] = (await once(child, 'close')) as [number]
      return { code, out: Buffer.concat(chunks), errors: await errors }
    },
    async idle() {
      while (sockets.size > 0) await env.sleep(5)
    },
    async close() {
      rmSync(directory, { recursive: true, force: true })
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
