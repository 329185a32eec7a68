import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Call, Identity } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { type Attributes, type Authorizer, attributesOf, forbiddenBy } from '../authorize.ts'
import { writeValue } from '../serve/answer.ts'
import type { Incoming, Outgoing } from '../serve/messages.ts'
import type { Target } from '../serve/route.ts'
import { openProxyUpgrade, type ProxyTarget, proxyHttp } from '../streaming/proxy-http.ts'
import { type Aggregator, type Remote, remoteHeaders } from './aggregator.ts'

/** A request for a group version of another server, its caller known. */
export interface Passed {
  readonly incoming: Incoming
  readonly identity: Identity
  readonly target: Target
  /** The call that the path means; undefined for paths that are about no resource. */
  readonly call: Call | undefined
}

/** Sends requests to the servers that they are for. Both functions are undefined for what is served here, and throw a Refusal for who may not. */
export interface PassOn {
  http(path: string): ((passed: Passed, outgoing: Outgoing) => Promise<void>) | undefined
  upgrade(path: string): ((passed: Passed, socket: Duplex, head: Buffer) => Promise<void>) | undefined
}

const unavailable = 'service unavailable'

export const createPassOn = (aggregator: Aggregator, authorize: Authorizer, env: Env): PassOn => {
  const check = ({ identity, target, call, incoming }: Passed): void => {
    const none = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '' }
    const verb = (incoming.method ?? 'GET').toLowerCase()
    const attributes: Attributes = call ? attributesOf(call) : { identity, verb, ...none, path: target.path }
    const decision = authorize(attributes)
    if (!decision.allowed) throw forbiddenBy(attributes, decision)
  }
  const wayTo = ({ backend }: Remote, { incoming, identity }: Passed): ProxyTarget => ({
    dial: backend.dial,
    host: backend.host,
    path: (incoming.url ?? '/').split('?')[0] as string,
    headers: { ...remoteHeaders(identity), host: backend.host },
  })
  return {
    http: (path) => {
      const remote = aggregator.find(path)
      if (!remote) return undefined
      return async (passed, outgoing) => {
        check(passed)
        const { incoming } = passed
        if (remote.available) return proxyHttp(incoming, outgoing, wayTo(remote, passed))
        await writeValue(incoming, outgoing, {
          status: 503,
          bytes: Buffer.from(`${unavailable}\n`),
          contentType: 'text/plain; charset=utf-8',
        })
      }
    },
    upgrade: (path) => {
      const remote = aggregator.find(path)
      if (!remote) return undefined
      return async (passed, socket, head) => {
        check(passed)
        const bridge = await openProxyUpgrade(passed.incoming as IncomingMessage, wayTo(remote, passed), env)
        await bridge.upgrade(socket, head).catch((error) => env.log.debug('a proxied connection ended', { error: String(error) }))
      }
    },
  }
}
