import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { HTTPGetAction } from '@skiff/api'
import { dialError, failure, joinHostPort, maxOutputBytes, type ProbeOutcome, type ProbeTarget, portOf, success } from './probe-result.ts'

const maxRedirects = 10

interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly body: string
}

/** 200 to 399 is a success. Certificates are not verified, as upstream has it. */
export const httpProbe = async (action: HTTPGetAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> => {
  const scheme = (action.scheme ?? 'HTTP').toLowerCase()
  const port = portOf(action.port, target.container)
  const path = action.path ?? ''
  const first = new URL(`${scheme}://${joinHostPort(action.host || target.podIp, port)}${path.startsWith('/') ? '' : '/'}${path}`)
  const headers = headersOf(action)
  const signal = AbortSignal.timeout(timeoutMs)
  let url = first
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const answer = await get(url, headers, signal).catch((error) => failed(error, url, signal))
    if ('result' in answer) return answer
    if (answer.status < 200 || answer.status >= 400) return failure(`HTTP probe failed with statuscode: ${answer.status}`)
    if (answer.status < 300 || answer.location === undefined) return success(answer.body)
    const next = new URL(answer.location, url)
    // Elsewhere is not probed: the pod itself has answered.
    if (next.hostname !== first.hostname) return { result: 'warning', output: `Probe terminated redirects, Response body: ${answer.body}` }
    url = next
  }
  return failure(`Get ${JSON.stringify(url.href)}: stopped after ${maxRedirects} redirects`)
}

const headersOf = ({ httpHeaders = [] }: HTTPGetAction): Record<string, string | string[]> => {
  const headers: Record<string, string | string[]> = Object.create(null)
  for (const { name, value } of httpHeaders) {
    const key = name.toLowerCase()
    const before = headers[key]
    headers[key] = before === undefined || key === 'host' ? value : [...(Array.isArray(before) ? before : [before]), value]
  }
  headers['user-agent'] ??= 'kube-probe/1.33'
  headers.accept ??= '*/*'
  if (headers.accept === '') delete headers.accept
  headers.connection = 'close'
  return headers
}

const get = (url: URL, headers: Record<string, string | string[]>, signal: AbortSignal): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest
    const options = { headers, signal, agent: false as const, rejectUnauthorized: false, insecureHTTPParser: true }
    request(url, options, (response) => readBody(response, resolve, reject))
      .on('error', reject)
      .end()
  })

const readBody = (response: IncomingMessage, resolve: (answer: Answer) => void, reject: (error: Error) => void): void => {
  const chunks: Buffer[] = []
  let size = 0
  const done = () => {
    const body = Buffer.concat(chunks).subarray(0, maxOutputBytes).toString('utf8')
    resolve({ status: response.statusCode ?? 0, location: response.headers.location, body })
    response.destroy()
  }
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size >= maxOutputBytes) done()
  })
  response.on('end', done)
  response.on('error', reject)
}

const failed = (error: unknown, url: URL, signal: AbortSignal): ProbeOutcome => {
  const shown = JSON.stringify(url.href)
  if (signal.aborted) return failure(`Get ${shown}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`)
  if ((error as { code?: string }).code === 'ECONNRESET') return failure(`Get ${shown}: EOF`)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return failure(`Get ${shown}: ${dialError(error, `${url.hostname}:${port}`)}`)
}
