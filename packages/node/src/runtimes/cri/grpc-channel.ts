import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import type { Env } from '@skiff/machinery'
import { type CallOptions, RuntimeError, type RuntimeErrorCode } from '../runtime.ts'
import { loadTable, type MethodOf, type ProtoTable, type ReplyOf, type RequestOf, serviceOf } from './proto-table.ts'

const codes: Partial<Record<status, RuntimeErrorCode>> = {
  [status.CANCELLED]: 'cancelled',
  [status.INVALID_ARGUMENT]: 'invalidArgument',
  [status.DEADLINE_EXCEEDED]: 'deadlineExceeded',
  [status.NOT_FOUND]: 'notFound',
  [status.ALREADY_EXISTS]: 'alreadyExists',
  [status.PERMISSION_DENIED]: 'permissionDenied',
  [status.RESOURCE_EXHAUSTED]: 'resourceExhausted',
  [status.FAILED_PRECONDITION]: 'failedPrecondition',
  [status.UNIMPLEMENTED]: 'unimplemented',
  [status.UNAVAILABLE]: 'unavailable',
}
const asRuntimeError = (error: Partial<ServiceError>): RuntimeError =>
  new RuntimeError(codes[error.code ?? status.UNKNOWN] ?? 'unknown', error.details || error.message || 'no description')

// An exec may answer 16 MB of output a stream.
const maxMessageBytes = 40 * 1024 * 1024

/** A connection to a unix socket. It connects when first used, and again by itself after the peer went away. */
export const openSocket = (socketPath: string): Client =>
  new Client(`unix://${socketPath}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.default_authority': 'localhost',
  })

export interface ServiceCaller<T extends ProtoTable, S extends keyof T['services']> {
  /** One request, one reply. Fails with a RuntimeError; `timeoutMs` 0 waits without limit. */
  call<M extends MethodOf<T, S>>(
    method: M,
    request: RequestOf<T, S, M>,
    timeoutMs: number,
    options?: CallOptions,
  ): Promise<ReplyOf<T, S, M>>
  /** Replies until the peer ends or `signal` aborts (which is an ordinary end). */
  stream<M extends MethodOf<T, S>>(method: M, request: RequestOf<T, S, M>, signal: AbortSignal): AsyncIterable<ReplyOf<T, S, M>>
}

/** A closed connection refuses at once, and not in gRPC's words. */
const onOpenChannel = <C>(begin: () => C): C => {
  try {
    return begin()
  } catch (error) {
    throw new RuntimeError('unavailable', (error as Error).message)
  }
}

/** The methods of one service of a table, over an open connection. `headers` go with every call. */
export const serviceCaller = <T extends ProtoTable, S extends keyof T['services'] & string>(
  env: Pick<Env, 'now'>,
  client: Client,
  table: T,
  service: S,
  definition = loadTable(table),
  headers: Readonly<Record<string, string>> = {},
): ServiceCaller<T, S> => {
  const methods = serviceOf(definition, `${table.package}.${service}`)
  const methodNamed = (name: string) => {
    const method = methods[name]
    if (method === undefined) throw new RuntimeError('unimplemented', `unknown method ${name}`)
    return method
  }
  const metadata = () => Metadata.fromHttp2Headers(headers)
  return {
    call: (name, request, timeoutMs, options = {}) =>
      new Promise((resolve, reject) => {
        if (options.signal?.aborted) return reject(new RuntimeError('cancelled', 'cancelled before it was sent'))
        const method = methodNamed(name)
        const limitMs = options.timeoutMs ?? timeoutMs
        const onAbort = () => call.cancel()
        const call = onOpenChannel(() =>
          client.makeUnaryRequest(
            method.path,
            method.requestSerialize,
            method.responseDeserialize,
            request as object,
            metadata(),
            limitMs > 0 ? { deadline: env.now() + limitMs } : {},
            (error, reply) => {
              options.signal?.removeEventListener('abort', onAbort)
              if (error) reject(asRuntimeError(error))
              else resolve(reply as ReplyOf<T, S, typeof name>)
            },
          ),
        )
        options.signal?.addEventListener('abort', onAbort, { once: true })
      }),
    async *stream(name, request, signal) {
      if (signal.aborted) return
      const method = methodNamed(name)
      const call = onOpenChannel(() =>
        client.makeServerStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, request as object, metadata()),
      )
      const onAbort = () => call.cancel()
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        for await (const reply of call) yield reply as ReplyOf<T, S, typeof name>
      } catch (error) {
        if (!signal.aborted) throw asRuntimeError(error as ServiceError)
      } finally {
        signal.removeEventListener('abort', onAbort)
        call.cancel()
      }
    },
  }
}
