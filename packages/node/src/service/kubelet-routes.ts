import { badRequest, notFound } from '@skiff/machinery'
import type { AttachOptions, ExecOptions, LogOptions, PortForwardOptions } from './node-service.ts'

/** What a request to the kubelet's API asks for. */
export type KubeletRequest =
  | { readonly kind: 'healthz' | 'pods' | 'runningPods' | 'summary' | 'resourceMetrics' }
  | { readonly kind: 'logs'; readonly options: LogOptions }
  | { readonly kind: 'exec'; readonly options: ExecOptions }
  | { readonly kind: 'attach'; readonly options: AttachOptions }
  | { readonly kind: 'portForward'; readonly options: PortForwardOptions }

const plain: Readonly<Record<string, KubeletRequest>> = {
  '/healthz': { kind: 'healthz' },
  '/healthz/ping': { kind: 'healthz' },
  '/healthz/syncloop': { kind: 'healthz' },
  '/pods': { kind: 'pods' },
  '/runningpods': { kind: 'runningPods' },
  '/stats/summary': { kind: 'summary' },
  '/metrics/resource': { kind: 'resourceMetrics' },
}

/** Reads a URL of the kubelet's API. Throws a Refusal. */
export const kubeletRequest = (url: URL): KubeletRequest => {
  const path = url.pathname.replace(/(.)\/$/, '$1')
  const known = Object.hasOwn(plain, path) ? plain[path] : undefined
  if (known) return known
  const [verb = '', ...parts] = path.slice(1).split('/').map(decodeURIComponent)
  const query = url.searchParams
  switch (verb) {
    case 'containerLogs':
      return { kind: 'logs', options: { ...containerOf(parts), ...logOptions(query) } }
    case 'exec':
      return { kind: 'exec', options: { ...containerOf(parts), command: query.getAll('command'), streams: streamsOf(query) } }
    case 'attach':
      return { kind: 'attach', options: { ...containerOf(parts), streams: streamsOf(query) } }
    case 'portForward':
      return { kind: 'portForward', options: { ...podOf(parts), ports: [...query.getAll('port'), ...query.getAll('ports')].map(Number) } }
    default:
      throw notFound({ group: '', resource: '' }, path)
  }
}

const podOf = ([namespace, pod, uid]: readonly string[]) => {
  if (!namespace || !pod) throw badRequest('a namespace and a pod must be named')
  return { namespace, pod, ...(uid ? { uid } : {}) }
}

/** `namespace/pod/container`, or with the pod's uid before the container. */
const containerOf = (parts: readonly string[]) => {
  const container = parts.at(-1)
  if (parts.length < 3 || parts.length > 4 || !container) throw badRequest('a namespace, a pod and a container must be named')
  return { ...podOf(parts.slice(0, -1)), container }
}

const isTrue = (text: string | null): boolean => text === '1' || text === 'true'

/** The kubelet's own names, `input=1`, and the API server's, `stdin=true`, mean the same. */
const streamsOf = (query: URLSearchParams) => {
  const tty = isTrue(query.get('tty'))
  return {
    stdin: isTrue(query.get('input')) || isTrue(query.get('stdin')),
    stdout: isTrue(query.get('output')) || isTrue(query.get('stdout')),
    stderr: !tty && (isTrue(query.get('error')) || isTrue(query.get('stderr'))),
    tty,
  }
}

const logOptions = (query: URLSearchParams) => {
  const number = (name: string) => {
    const text = query.get(name)
    if (text === null || text === '') return {}
    const value = Number(text)
    if (!Number.isInteger(value) || value < 0) throw badRequest(`${name} must be a whole number`)
    return { [name]: value }
  }
  const stream = query.get('stream')
  const sinceTime = query.get('sinceTime')
  return {
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    ...number('sinceSeconds'),
    ...number('tailLines'),
    ...number('limitBytes'),
    ...(sinceTime ? { sinceTime } : {}),
    ...(stream === 'Stdout' || stream === 'Stderr' || stream === 'All' ? { stream: stream as 'All' | 'Stdout' | 'Stderr' } : {}),
  }
}
