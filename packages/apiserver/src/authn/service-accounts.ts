import type { Secret, ServiceAccount } from '@skiff/api'
import type { Identity } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import { find } from '../registry/tree.ts'
import type { TokenReader } from './authenticate.ts'
import { type LegacyTokens, warningFor } from './legacy-tokens.ts'
import type { TokenClaims, TokenSigner } from './tokens.ts'

export interface AccountSources {
  readonly serviceAccounts: Cache
  readonly pods: Cache
  readonly secrets: Cache
  readonly nodes: Cache
}

export interface AccountTokens {
  readonly read: TokenReader
  /** For TokenReview: the identity for which of the audiences, or why not. */
  review(
    token: string,
    audiences: readonly string[],
  ): { readonly identity: Identity; readonly audiences: readonly string[] } | { readonly error: string }
}

interface Verified {
  readonly claims: TokenClaims
  readonly identity: Identity
  /** The same with a warning, of which there is one; made when it is first needed. */
  warned?: Identity
}

const unreadable = 'invalid bearer token'

const maxHeld = 10_000

/**
 * Reads service-account tokens. A good signature is remembered by the token's text; that the account and what the token is bound
 * to still live is asked of memory each time, so that a token dies with them.
 */
export const createAccountTokens = (signer: TokenSigner, sources: AccountSources, legacy: LegacyTokens, env: Env): AccountTokens => {
  const held = new Map<string, Verified>()
  const verified = (token: string): Verified | undefined => {
    const known = held.get(token)
    if (known) return known
    const claims = signer.read(token)
    const account = claims?.['kubernetes.io']
    if (!claims || !account) return undefined
    const made = { claims, identity: identityOf(account, claims) }
    if (held.size >= maxHeld) held.delete(held.keys().next().value as string)
    held.set(token, made)
    return made
  }
  const check = (token: string): Verified | { readonly error: string } => {
    const found = verified(token)
    if (!found) return { error: unreadable }
    const now = env.now() / 1000
    const { exp, nbf } = found.claims
    if (now > exp) return { error: 'service account token has expired' }
    if (now < nbf - 60) return { error: 'service account token is not valid yet' }
    const error = why(sources, legacy, found.claims, token)
    return error === undefined ? found : { error }
  }
  return {
    read: (token) => {
      const found = check(token)
      if ('error' in found || !found.claims.aud.includes(signer.issuer)) return undefined
      return { identity: withWarning(sources, found), untilMs: found.claims.exp * 1000 }
    },
    review: (token, audiences) => {
      const found = check(token)
      // Several authenticators refuse: upstream says alike texts once.
      if ('error' in found) return { error: found.error === unreadable ? unreadable : `[${unreadable}, ${found.error}]` }
      const wanted = audiences.length > 0 ? audiences : [signer.issuer]
      const both = wanted.filter((each) => found.claims.aud.includes(each))
      return both.length > 0
        ? { identity: found.identity, audiences: both }
        : { error: `[${unreadable}, token audiences ${goList(found.claims.aud)} is invalid for the target audiences ${goList(wanted)}]` }
    },
  }
}

const goList = (texts: readonly string[]): string => `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`

const identityOf = (account: NonNullable<TokenClaims['kubernetes.io']>, claims: TokenClaims): Identity => {
  const { namespace, serviceaccount, pod, node } = account
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra: {
      ...(claims.jti ? { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] } : {}),
      ...(node ? { 'authentication.kubernetes.io/node-name': [node.name], 'authentication.kubernetes.io/node-uid': [node.uid] } : {}),
      ...(pod ? { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] } : {}),
    },
  }
}

const withWarning = (sources: AccountSources, found: Verified): Identity => {
  const { namespace, serviceaccount, secret } = found.claims['kubernetes.io'] ?? {}
  if (!serviceaccount || !secret || secret.uid !== undefined) return found.identity
  const account = find(sources.serviceAccounts.tree, `${namespace}/${serviceaccount.name}`)?.object as ServiceAccount | undefined
  const warning = account && warningFor(account, secret.name)
  if (!warning) return found.identity
  found.warned ??= { ...found.identity, warning }
  return found.warned
}

/** Why a token with good times is none; undefined where it is one. */
const why = (sources: AccountSources, legacy: LegacyTokens, claims: TokenClaims, token: string): string | undefined => {
  const bound = claims['kubernetes.io']
  if (!bound) return 'service account token has been invalidated'
  const { namespace, serviceaccount, secret } = bound
  const isLegacy = secret !== undefined && secret.uid === undefined
  if (!isLegacy) return alive(sources, bound) ? undefined : 'service account token has been invalidated'
  const held = find(sources.secrets.tree, `${namespace}/${secret.name}`)?.object as Secret | undefined
  if (!held || held.metadata.deletionTimestamp !== undefined) return 'Token has been invalidated'
  // It does not know its secret's uid: the secret must still hold it.
  if (!holds(held, token)) return "Token does not match server's copy"
  if (!alive(sources, { namespace, serviceaccount })) return 'service account token has been invalidated'
  return legacy.use(held, serviceaccount.name)
}

const alive = (sources: AccountSources, bound: NonNullable<TokenClaims['kubernetes.io']>): boolean => {
  const { namespace, serviceaccount, pod, secret, node } = bound
  const lives = (cache: Cache, key: string, uid: string | undefined) => find(cache.tree, key)?.object.metadata.uid === uid
  if (!lives(sources.serviceAccounts, `${namespace}/${serviceaccount.name}`, serviceaccount.uid)) return false
  if (pod && !lives(sources.pods, `${namespace}/${pod.name}`, pod.uid)) return false
  if (secret && !lives(sources.secrets, `${namespace}/${secret.name}`, secret.uid)) return false
  return !node || pod !== undefined || lives(sources.nodes, node.name, node.uid)
}

const holds = ({ data }: Secret, token: string): boolean =>
  data?.token !== undefined && Buffer.from(data.token, 'base64').toString() === token
