import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import { type Env, parseDurationMs } from '@skiff/machinery'
import type { ExtenderConfig, ExtenderTls } from '../config/configuration.ts'

/** Sends `args` to one verb of an extender and gives what it answered. Rejects with upstream's texts. */
export interface Post {
  (verb: string, args: unknown): Promise<unknown>
  close(): void
}

const defaultTimeoutMs = 5_000
/** More than this is no answer to a question about nodes. */
const maxReplyBytes = 256 * 1024 * 1024

const pem = (data: string | undefined, file: string | undefined): Buffer | undefined => {
  if (data) return Buffer.from(data, 'base64')
  return file ? readFileSync(file) : undefined
}

/** As upstream: without an authority to check by, HTTPS is not checked. */
const tlsOptions = ({ insecure, serverName, ...tls }: ExtenderTls, enableHttps: boolean): https.AgentOptions => {
  const ca = pem(tls.caData, tls.caFile)
  const cert = pem(tls.certData, tls.certFile)
  const key = pem(tls.keyData, tls.keyFile)
  if (insecure && ca) throw new Error('specifying a root certificates file with the insecure flag is not allowed')
  return {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(serverName ? { servername: serverName } : {}),
    ...(insecure || (enableHttps && !ca) ? { rejectUnauthorized: false } : {}),
  }
}

export const createPost = ({ urlPrefix = '', httpTimeout, tlsConfig, enableHTTPS }: ExtenderConfig, env: Env): Post => {
  const timeoutMs = (httpTimeout ? parseDurationMs(httpTimeout) : 0) || defaultTimeoutMs
  const isSecure = urlPrefix.startsWith('https:')
  const agent = isSecure
    ? new https.Agent({ keepAlive: true, ...tlsOptions(tlsConfig ?? {}, enableHTTPS === true) })
    : new http.Agent({ keepAlive: true })
  const send = (verb: string, args: unknown): Promise<unknown> => {
    const url = `${urlPrefix.replace(/\/+$/, '')}/${verb}`
    const body = Buffer.from(JSON.stringify(args))
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const request = (isSecure ? https : http).request(url, { method: 'POST', agent, headers })
    const fail = (text: string) => reject(new Error(`Post ${JSON.stringify(url)}: ${text}`))
    const cancel = env.after(timeoutMs, () => {
      fail('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')
      request.destroy()
    })
    request.on('error', (error) => fail(error.message))
    request.on('response', (response) => {
      readAll(response)
        .then((text) => {
          if (response.statusCode !== 200) throw new Error(`failed ${verb} with extender at URL ${url}, code ${response.statusCode}`)
          return JSON.parse(text) as unknown
        })
        .then(resolve, reject)
    })
    request.end(body)
    return promise.finally(cancel)
  }
  return Object.assign(send, { close: () => agent.destroy() })
}

const readAll = async (response: http.IncomingMessage): Promise<string> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length
    if (size > maxReplyBytes) throw new Error(`the extender's answer is longer than ${maxReplyBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}
