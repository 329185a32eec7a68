import type { Pod, Resource, TokenRequest } from '@skiff/api'
import { serviceAccount } from '@skiff/api'
import type { Client } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { TokenAsk } from '../volumes/payload.ts'

/** Service account tokens bound to pods, kept until most of their time has passed. */
export interface Tokens {
  token(pod: Pod, ask: TokenAsk): Promise<string>
  forget(podUid: string): void
}

interface Kept {
  readonly token: string
  /** From then on a new one is asked for; the old one is still good if that fails. */
  readonly staleMs: number
  readonly expiresMs: number
}

/** Of its time, the part after which a token is renewed; but not later than a day. */
const renewAt = 0.8
const dayMs = 24 * 3_600_000

export const createTokens = (client: Client, env: Env): Tokens => {
  const kept = new Map<string, Map<string, Kept>>()
  const request = async (pod: Pod, { audience, expirationSeconds }: TokenAsk): Promise<Kept> => {
    const { namespace = '', name, uid } = pod.metadata
    const askedMs = env.now()
    const answer = await client.create(
      serviceAccount as unknown as Resource<TokenRequest>,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: {},
        spec: {
          audiences: audience === undefined ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
      { namespace, name: pod.spec.serviceAccountName || 'default', subresource: 'token' },
    )
    const expiresMs = Date.parse(answer.status?.expirationTimestamp ?? '') || askedMs + expirationSeconds * 1000
    const staleMs = askedMs + Math.min((expiresMs - askedMs) * renewAt, dayMs)
    return { token: answer.status?.token ?? '', staleMs, expiresMs }
  }
  return {
    token: async (pod, ask) => {
      const { uid } = pod.metadata
      const own = kept.get(uid) ?? new Map<string, Kept>()
      const key = JSON.stringify(ask)
      const held = own.get(key)
      if (held && env.now() < held.staleMs) return held.token
      try {
        const fresh = await request(pod, ask)
        own.set(key, fresh)
        kept.set(uid, own)
        return fresh.token
      } catch (error) {
        if (held && env.now() < held.expiresMs) return held.token
        throw new Error(`failed to fetch token: ${error instanceof Error ? error.message : String(error)}`)
      }
    },
    forget: (uid) => void kept.delete(uid),
  }
}
