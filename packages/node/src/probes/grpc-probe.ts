import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import type { GRPCAction } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import { failure, joinHostPort, type ProbeOutcome, type ProbeTarget, success, unknown } from './probe-result.ts'

// grpc.health.v1.Health: HealthCheckRequest{string service = 1}, HealthCheckResponse{ServingStatus status = 1}.
const encode = (service: string): Buffer => {
  const name = Buffer.from(service)
  if (name.length === 0) return Buffer.alloc(0)
  const length = name.length < 128 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7]
  return Buffer.concat([Buffer.from([0x0a, ...length]), name])
}
const decode = (bytes: Buffer): number => (bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0)

const servingNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']
const serving = 1

/** Asks the standard health service; anything but SERVING is a failure. */
export const grpcProbe = (action: GRPCAction, target: ProbeTarget, timeoutMs: number, env: Env): Promise<ProbeOutcome> => {
  const address = joinHostPort(target.podIp, action.port)
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_http_proxy': 0 })
  const metadata = new Metadata()
  metadata.set('user-agent', 'kube-probe/1.33')
  const deadline = env.now() + timeoutMs
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, answer?: number) => {
      client.close()
      resolve(error ? refused(error, address, timeoutMs) : judge(answer ?? 0))
    }
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', encode, decode, action.service ?? '', metadata, { deadline }, done)
  })
}

const judge = (answer: number): ProbeOutcome =>
  answer === serving
    ? success('service healthy')
    : failure(`service unhealthy (responded with ${JSON.stringify(servingNames[answer] ?? String(answer))})`)

const refused = (error: ServiceError, address: string, timeoutMs: number): ProbeOutcome => {
  const within = `${timeoutMs / 1000}s`
  switch (error.code) {
    case status.UNIMPLEMENTED:
      return failure(`error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.details}`)
    case status.DEADLINE_EXCEEDED:
      return failure(`timeout: health rpc did not complete within ${within}`)
    case status.UNAVAILABLE:
      return failure(`timeout: failed to connect service ${JSON.stringify(address)} within ${within}: ${error.details}`)
    case status.NOT_FOUND:
      return failure(`service unhealthy (responded with "SERVICE_UNKNOWN")`)
    default:
      return unknown(`error: health rpc probe failed: ${error.message}`)
  }
}
