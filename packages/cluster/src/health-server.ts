import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exposition, type Family } from '@skiff/machinery'

/** One thing that must hold; a sentence when it does not. */
export interface ProcessCheck {
  readonly name: string
  readonly check: () => string | undefined
}
/** What a component that runs alone tells of itself. */
export interface ProcessHealth {
  readonly metrics: () => readonly Family[]
  /** Of /healthz; of /livez there is none but ping, as upstream. */
  readonly healthy?: readonly ProcessCheck[]
  readonly ready?: readonly ProcessCheck[]
  /** What /configz answers. */
  readonly configuration?: () => unknown
}

const ping: ProcessCheck = { name: 'ping', check: () => undefined }

/** Health checks, metrics and the configuration, by upstream's paths, on 127.0.0.1. Answers what closes it. */
export const serveHealth = async (health: ProcessHealth, port: number): Promise<(() => Promise<void>) & { readonly port: number }> => {
  const { metrics, healthy = [ping], ready = [ping], configuration } = health
  const checks: Readonly<Record<string, readonly ProcessCheck[]>> = { healthz: healthy, livez: [ping], readyz: ready }
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', 'http://localhost')
    const [, first = '', ...rest] = url.pathname.split('/')
    if (url.pathname === '/metrics') {
      outgoing.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(exposition(metrics()))
    } else if (url.pathname === '/configz' && configuration) {
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(configuration()))
    } else if (Object.hasOwn(checks, first)) {
      answerChecks(outgoing, first, checks[first] ?? [], rest.join('/'), url.searchParams)
    } else text(outgoing, 404, '404 page not found\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return Object.assign(close, { port: (server.address() as AddressInfo).port })
}

const text = (outgoing: ServerResponse, status: number, body: string): void => {
  outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }).end(body)
}

/** `ok`, or every check with its result when asked by ?verbose or when one fails; each check has a path of its own. */
const answerChecks = (
  outgoing: ServerResponse,
  path: string,
  checks: readonly ProcessCheck[],
  one: string,
  query: URLSearchParams,
): void => {
  if (one !== '') {
    const found = checks.find(({ name }) => name === one)
    const fault = found?.check()
    if (!found) text(outgoing, 404, '404 page not found\n')
    else if (fault === undefined) text(outgoing, 200, 'ok')
    else text(outgoing, 500, `internal server error: ${fault}\n`)
    return
  }
  const excluded = new Set(query.getAll('exclude'))
  const lines = checks.map(({ name, check }) => {
    if (excluded.delete(name)) return `[+]${name} excluded: ok\n`
    return check() === undefined ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`
  })
  if (excluded.size > 0) {
    const names = [...excluded].map((name) => JSON.stringify(name)).join(', ')
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}\n`)
  }
  if (lines.some((line) => line.startsWith('[-]'))) text(outgoing, 500, `${lines.join('')}${path} check failed\n`)
  else text(outgoing, 200, query.has('verbose') ? `${lines.join('')}${path} check passed\n` : 'ok')
}
