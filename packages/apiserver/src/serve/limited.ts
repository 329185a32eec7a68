import type { ServerResponse } from 'node:http'
import type { Call, Identity } from '@skiff/client'
import type { FlowRequest } from '../fairness/flow-rules.ts'
import { type Flow, isRefused, type Limiter } from '../fairness/limiter.ts'
import type { Outgoing } from './messages.ts'

/** Runs `act` once the limiter lets the request in, and gives its place back when it is done; answers 429 otherwise, with undefined. */
export const limited = async <T>(
  limiter: Limiter,
  outgoing: Outgoing,
  { identity, request, width }: { readonly identity: Identity; readonly request: FlowRequest; readonly width: number },
  act: () => Promise<T> | T,
): Promise<T | undefined> => {
  const entered = limiter.enter(identity, request, width, (act) => {
    outgoing.on('close', act)
    return () => outgoing.off('close', act)
  })
  const answer = entered instanceof Promise ? await entered : entered
  if (answer.flow && !outgoing.headersSent) mark(outgoing, answer.flow)
  if (isRefused(answer)) {
    if (!outgoing.headersSent && !outgoing.destroyed) refuse(outgoing, answer.retryAfterSeconds)
    return undefined
  }
  try {
    return await act()
  } finally {
    limiter.leave(answer)
  }
}

/** Ids and not names: those may tell what an administrator thinks of a client. */
const mark = (outgoing: Outgoing, { schema, level }: Flow): void => {
  outgoing.setHeader('x-kubernetes-pf-flowschema-uid', schema.uid)
  outgoing.setHeader('x-kubernetes-pf-prioritylevel-uid', level.uid)
}

const refuse = (outgoing: Outgoing, retryAfterSeconds: number): void => {
  const body = 'Too many requests, please try again later.\n'
  const out = outgoing as ServerResponse
  out.writeHead(429, {
    'content-type': 'text/plain; charset=utf-8',
    'retry-after': String(retryAfterSeconds),
    'x-content-type-options': 'nosniff',
    'content-length': body.length,
  })
  out.end(body)
}

/** Calls that stay open as long as they like: nobody counts them. A watch is counted until it has begun. */
export const isLongRunning = ({ verb, subresource }: Call): boolean => verb === 'connect' || subresource === 'log'

export const flowRequestOf = (call: Call): FlowRequest => ({
  verb: call.verb,
  group: call.group,
  resource: call.resource,
  subresource: call.subresource ?? '',
  // Upstream counts a namespace as being in itself.
  namespace: call.namespace ?? (call.resource === 'namespaces' && call.group === '' ? (call.name ?? '') : ''),
})

export const flowRequestOfPath = (path: string, method: string): FlowRequest => ({
  verb: method.toLowerCase(),
  group: '',
  resource: '',
  subresource: '',
  namespace: '',
  path,
})
