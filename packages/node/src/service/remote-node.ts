import { request } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { StreamingTarget } from '@skiff/client'
import { Refusal } from '@skiff/machinery'
import type { AttachOptions, ContainerTarget, LogOptions, NodeService } from './node-service.ts'

/** The service of a node that serves the kubelet's API elsewhere. `dial` opens a connection to it, with TLS and a client certificate. */
export const remoteNodeService = (dial: () => Promise<Duplex>): NodeService => {
  const get = async (path: string, signal?: AbortSignal): Promise<Readable> => {
    const connection = await dial()
    return new Promise((resolve, reject) => {
      const outgoing = request({ path, headers: { host: 'node', connection: 'close' }, createConnection: () => connection }, (response) => {
        if (response.statusCode === 200) return resolve(response)
        text(response).then((body) => reject(new Refusal(response.statusCode ?? 500, reasonOf(response.statusCode), body)), reject)
      })
      outgoing.on('error', reject)
      signal?.addEventListener('abort', () => outgoing.destroy(), { once: true })
      outgoing.end()
    })
  }
  const json = async <T>(path: string): Promise<T> => JSON.parse(await text(await get(path))) as T
  const session = async (path: string): Promise<StreamingTarget> => ({ url: new URL(path, 'https://node'), dial })
  return {
    logs: (options) => get(`/containerLogs/${containerPath(options)}?${logQuery(options)}`, options.signal),
    exec: (options) => {
      const query = pairs(options.command.map((word) => ['command', word] as const))
      return session(`/exec/${containerPath(options)}?${query}&${streamQuery(options)}`)
    },
    attach: (options) => session(`/attach/${containerPath(options)}?${streamQuery(options)}`),
    portForward: ({ namespace, pod, uid, ports }) => {
      const path = [namespace, pod, ...(uid ? [uid] : [])].map(encodeURIComponent).join('/')
      return session(`/portForward/${path}?${pairs(ports.map((port) => ['port', String(port)] as const))}`)
    },
    statsSummary: () => json('/stats/summary'),
    pods: () => json('/pods'),
    runningPods: () => json('/runningpods'),
  }
}

const reasons: Readonly<Record<number, string>> = { 400: 'BadRequest', 403: 'Forbidden', 404: 'NotFound', 500: 'InternalError' }
const reasonOf = (code: number | undefined): string => reasons[code ?? 500] ?? 'InternalError'

const containerPath = ({ namespace, pod, uid, container }: ContainerTarget): string =>
  [namespace, pod, ...(uid ? [uid] : []), container].map(encodeURIComponent).join('/')

const streamQuery = ({ streams }: Pick<AttachOptions, 'streams'>): URLSearchParams => {
  const { stdin, stdout, stderr, tty } = streams
  const given = { input: stdin, output: stdout, error: stderr, tty }
  return pairs(Object.entries(given).flatMap(([name, yes]) => (yes ? [[name, '1'] as const] : [])))
}

const logQuery = (options: LogOptions): URLSearchParams => {
  const names = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes', 'timestamps', 'stream'] as const
  return pairs(names.flatMap((name) => (options[name] === undefined ? [] : [[name, String(options[name])] as const])))
}

const pairs = (list: readonly (readonly [name: string, value: string])[]): URLSearchParams =>
  new URLSearchParams(list.map(([name, value]) => [name, value] as [string, string]))
