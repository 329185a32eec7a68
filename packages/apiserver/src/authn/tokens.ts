import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID, sign, verify } from 'node:crypto'

/** What a bound service-account token says. Times in seconds since 1970. */
export interface TokenClaims {
  readonly aud: readonly string[]
  readonly exp: number
  readonly iat: number
  readonly nbf: number
  readonly iss: string
  readonly sub: string
  readonly jti?: string
  readonly 'kubernetes.io'?: {
    readonly namespace: string
    readonly serviceaccount: { readonly name: string; readonly uid: string }
    readonly pod?: { readonly name: string; readonly uid: string }
    /** Without a uid: of a token from before tokens were bound. */
    readonly secret?: { readonly name: string; readonly uid?: string }
    readonly node?: { readonly name: string; readonly uid: string }
    readonly warnafter?: number
  }
}

/** Which Secret of which account, in one namespace. */
export interface SecretHolder {
  readonly namespace: string
  readonly secret: string
  readonly account: { readonly name: string; readonly uid: string }
}

export interface TokenSigner {
  readonly issuer: string
  sign(claims: Omit<TokenClaims, 'iss' | 'jti'>): string
  /** A token for a Secret to hold: without an end or an audience, good for as long as that Secret holds it. */
  signForSecret(of: SecretHolder): string
  /** The claims of a token with a good signature and issuer, whatever its times; undefined otherwise. */
  read(token: string): TokenClaims | undefined
  /** JWKS of the public keys, for /openid/v1/jwks. */
  jwks(): unknown
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs and reads ES256 tokens; `keys` are PKCS 8 PEM, the first one signs and all verify, so that keys can rotate. */
export const createTokenSigner = (issuer: string, keys: readonly string[]): TokenSigner => {
  const held = keys.map((pem) => {
    const secret = createPrivateKey(pem)
    const open = createPublicKey(pem)
    const id = createHash('sha256')
      .update(open.export({ type: 'spki', format: 'der' }))
      .digest('base64url')
    return { secret, open, id }
  })
  const first = held[0]
  if (!first) throw new Error('a token signer needs a key')
  const head = encode({ alg: 'ES256', kid: first.id })
  const made = (claims: object): string => {
    const body = `${head}.${encode(claims)}`
    return `${body}.${sign('sha256', Buffer.from(body), { key: first.secret, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
  return {
    issuer,
    sign: (claims) => made({ ...claims, iss: issuer, jti: randomUUID() }),
    signForSecret: (of) => made(secretClaims(of)),
    read: (token) => {
      const [headText, claimsText, signature] = token.split('.')
      if (!headText || !claimsText || !signature) return undefined
      const kid = parsed(headText)?.kid
      const key = held.find((each) => each.id === kid)
      if (!key || !signed(key.open, `${headText}.${claimsText}`, signature)) return undefined
      const claims = parsed(claimsText)
      if (claims?.iss === legacyIssuer) return legacyClaims(claims, issuer)
      return claims?.iss === issuer ? (claims as unknown as TokenClaims) : undefined
    },
    jwks: () => ({ keys: held.map((each) => ({ use: 'sig', ...each.open.export({ format: 'jwk' }), kid: each.id, alg: 'ES256' })) }),
  }
}

/** Who signs tokens of secrets, as before tokens were bound; another controller manager may, with the same key. */
const legacyIssuer = 'kubernetes/serviceaccount'

const secretClaims = ({ namespace, secret, account }: SecretHolder): object => {
  const start = 'kubernetes.io/serviceaccount/'
  return {
    iss: legacyIssuer,
    [`${start}namespace`]: namespace,
    [`${start}secret.name`]: secret,
    [`${start}service-account.name`]: account.name,
    [`${start}service-account.uid`]: account.uid,
    sub: `system:serviceaccount:${namespace}:${account.name}`,
  }
}

/** Such a token has no end and no audience, and lives as long as its account and its secret; only the account's uid is in it. */
const legacyClaims = (claims: Readonly<Record<string, unknown>>, issuer: string): TokenClaims | undefined => {
  const [namespace, secret, name, uid] = ['namespace', 'secret.name', 'service-account.name', 'service-account.uid'].map((claim) => {
    const value = claims[`kubernetes.io/serviceaccount/${claim}`]
    return typeof value === 'string' ? value : ''
  })
  if (!namespace || !secret || !name || !uid || claims.sub !== `system:serviceaccount:${namespace}:${name}`) return undefined
  const times = { exp: Number.POSITIVE_INFINITY, iat: 0, nbf: 0 }
  const bound = { namespace, serviceaccount: { name, uid }, secret: { name: secret } }
  return { ...times, aud: [issuer], iss: legacyIssuer, sub: claims.sub, 'kubernetes.io': bound }
}

const parsed = (part: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}

const signed = (key: KeyObject, body: string, signature: string): boolean => {
  try {
    return verify('sha256', Buffer.from(body), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
  } catch {
    return false
  }
}
