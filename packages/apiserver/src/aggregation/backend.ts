import { request as httpRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { connect as tlsConnect } from 'node:tls'
import type { APIService } from '@skiff/api'
import type { KeyPair } from '../authn/authorities.ts'
import type { DialService } from '../webhooks/client.ts'
import { dialFault } from '../webhooks/fault-text.ts'

/** The server behind an APIService that names a Service. */
export interface Backend {
  readonly object: APIService
  /** `v1beta1.metrics.k8s.io` leads to `metrics-server.kube-system.svc:443`. */
  readonly host: string
  /** A connection under the front proxy's certificate, the backend's own checked as the APIService says. */
  dial(): Promise<Duplex>
  /** A GET as the front proxy itself; throws an Error in Go's words. */
  get(path: string, signal: AbortSignal): Promise<{ readonly status: number; readonly body: string }>
}

export interface BackendParts {
  readonly dialService: DialService
  /** Made when a backend is first spoken to. */
  readonly frontProxy: () => Promise<KeyPair>
}

const defaultPort = 443

export const createBackend = (object: APIService, { dialService, frontProxy }: BackendParts): Backend => {
  const { service, caBundle, insecureSkipTLSVerify } = object.spec
  const { namespace = '', name = '', port = defaultPort } = service ?? {}
  const servername = `${name}.${namespace}.svc`
  const host = `${servername}:${port}`
  const dial = async (): Promise<Duplex> => {
    const [socket, pair] = await Promise.all([dialService(namespace, name, port), frontProxy()])
    const tls = tlsConnect({
      socket,
      servername,
      cert: pair.cert,
      key: pair.key,
      rejectUnauthorized: insecureSkipTLSVerify !== true,
      ...(caBundle ? { ca: Buffer.from(caBundle, 'base64').toString() } : {}),
    })
    socket.on('error', (error) => tls.destroy(error))
    await new Promise<void>((resolve, reject) => {
      tls.once('secureConnect', resolve)
      tls.once('error', reject)
      tls.once('close', () => reject(new Error('EOF')))
    })
    return tls
  }
  return {
    object,
    host,
    dial,
    get: async (path, signal) => {
      try {
        const connection = await dial()
        return await new Promise((resolve, reject) => {
          const headers = {
            host,
            accept: 'application/json',
            'x-remote-user': 'system:kube-aggregator',
            'x-remote-group': 'system:masters',
          }
          const sent = httpRequest({ path, headers, createConnection: () => connection, signal })
          sent.on('response', (answer) => text(answer).then((body) => resolve({ status: answer.statusCode ?? 500, body }), reject))
          sent.on('error', reject)
          sent.on('close', () => connection.destroy())
          sent.end()
        })
      } catch (error) {
        if (signal.aborted) throw new Error('context deadline exceeded')
        throw new Error(dialFault(error as NodeJS.ErrnoException, { host: servername }))
      }
    },
  }
}
