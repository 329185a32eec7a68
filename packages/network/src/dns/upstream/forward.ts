import { randomBytes } from 'node:crypto'
import type { Env } from '@skiff/machinery'
import { encodeName, TYPE } from '../wire.ts'
import { createCache } from './cache.ts'
import { type Exchange, openExchange } from './exchange.ts'
import { dissect, ownQuery, type Upstream } from './message.ts'
import type { ServerAddress } from './resolv-conf.ts'

export interface Forwarder {
  /** What the upstream servers say to `query`, whose key says which other queries get the same. Undefined when none of them says anything. */
  ask(key: string, query: Buffer, overTcp: boolean): Promise<{ upstream: Upstream; ageSeconds: number } | undefined>
  /** As ask, when the answer is known already. */
  known(key: string): { upstream: Upstream; ageSeconds: number } | undefined
  /** True when `name` is one of our own probes that came back: the upstream server that brought it forwards to us, and is asked no more. */
  cameBack(name: string): boolean
  /** The servers to ask, from now on; none before. */
  use(servers: readonly ServerAddress[]): void
  close(): void
}

const ATTEMPT_MS = 2_000
/** glibc gives up on us after 5 s. */
const WHOLE_MS = 4_500
/** As kubeadm's Corefile has it: `max_concurrent 1000`. */
const MOST_WAITING = 1_000
/** A server that did not answer is asked after the others for this long. */
const AVOID_MS = 10_000

interface Server {
  readonly exchange: Exchange
  readonly probe: string
  avoidUntilMs: number
}

export const createForwarder = (env: Env): Forwarder => {
  const cache = createCache()
  const waiting = new Map<string, Promise<Upstream | undefined>>()
  let current: Server[] = []

  const attempt = async (query: Buffer, overTcp: boolean): Promise<Upstream | undefined> => {
    const startMs = env.monotonicMs()
    const order = [...current].sort((a, b) => Number(a.avoidUntilMs > startMs) - Number(b.avoidUntilMs > startMs))
    // A single server gets a second chance, for a datagram may be lost.
    for (const server of order.length === 1 ? [...order, ...order] : order) {
      const leftMs = WHOLE_MS - (env.monotonicMs() - startMs)
      if (leftMs <= 0) return undefined
      const reply = await server.exchange.send(query, overTcp, Math.min(ATTEMPT_MS, leftMs))
      const upstream = typeof reply === 'string' ? undefined : dissect(reply)
      server.avoidUntilMs = upstream === undefined ? env.monotonicMs() + AVOID_MS : 0
      if (upstream !== undefined) return upstream
    }
    return undefined
  }

  const use = (next: readonly ServerAddress[]) => {
    for (const { exchange } of current) exchange.close()
    current = next.map((server) => ({ exchange: openExchange(server, env), probe: probeName(), avoidUntilMs: 0 }))
    for (const { exchange, probe } of current) {
      const name = encodeName(probe)
      // The answer does not matter: if this comes back to us as a question, the server forwards to us.
      if (name !== undefined) void exchange.send(ownQuery(name, TYPE.HINFO), false, ATTEMPT_MS)
    }
  }

  return {
    known: (key) => cache.get(key, env.monotonicMs()),
    async ask(key, query, overTcp) {
      const flight = `${key} ${overTcp}`
      let asked = waiting.get(flight)
      if (asked === undefined) {
        if (waiting.size >= MOST_WAITING || current.length === 0) return undefined
        asked = attempt(query, overTcp).finally(() => waiting.delete(flight))
        waiting.set(flight, asked)
      }
      const upstream = await asked
      if (upstream === undefined) return undefined
      cache.put(key, upstream, env.monotonicMs())
      return { upstream, ageSeconds: 0 }
    },
    cameBack(name) {
      const looping = current.find((server) => server.probe === name)
      if (looping === undefined) return false
      const { address, port } = looping.exchange.server
      env.log.error('the upstream name server forwards to the cluster DNS; it is not used', { address, port })
      current = current.filter((server) => server !== looping)
      looping.exchange.close()
      return true
    },
    use,
    close() {
      for (const { exchange } of current) exchange.close()
      current = []
    },
  }
}

const probeName = (): string => `${randomBytes(8).toString('hex')}.loop.skiff.invalid`
