import type { TLSSocket } from 'node:tls'
import type { Identity } from '@skiff/client'
import { type Env, unauthorized } from '@skiff/machinery'
import type { Authorizer } from '../authorize.ts'
import type { Authenticate } from '../serve/http.ts'
import { anonymous } from '../serve/route.ts'
import { impersonated } from './impersonate.ts'

/** Who a bearer token belongs to, and until when (ms since 1970) that answer may be kept. Undefined: not this authenticator's, or invalid. */
export type TokenReader = (token: string) => { readonly identity: Identity; readonly untilMs: number } | undefined

export interface AuthenticateOptions {
  readonly env: Env
  /** Asked in order. They answer from memory. */
  readonly tokens: readonly TokenReader[]
  readonly authorize: Authorizer
  readonly anonymous?: boolean
}

const authenticated = 'system:authenticated'
/** One identity a reader's identity, so that what is derived from it (its rules) is derived once and not for each request. */
const completed = new WeakMap<Identity, Identity>()
const complete = (identity: Identity): Identity => {
  const known = completed.get(identity)
  if (known) return known
  const made = { ...identity, groups: withAuthenticated(identity.groups) }
  completed.set(identity, made)
  return made
}
const withAuthenticated = (groups: readonly string[]): readonly string[] =>
  groups.includes(authenticated) ? groups : [...groups, authenticated]

/** Upstream's union of authenticators: client certificates, then bearer tokens, then anonymous; impersonation on top. */
export const createAuthenticator = (options: AuthenticateOptions): Authenticate => {
  const bySocket = new WeakMap<TLSSocket, Identity | 'none'>()
  return ({ headers, socket }) => {
    const identity = byCertificate(bySocket, socket) ?? byToken(options, headers.authorization) ?? anonymousIdentity(options)
    return impersonated(headers, identity, options.authorize)
  }
}

const byCertificate = (known: WeakMap<TLSSocket, Identity | 'none'>, socket: TLSSocket | undefined): Identity | undefined => {
  if (!socket) return undefined
  const held = known.get(socket)
  if (held) return held === 'none' ? undefined : held
  const identity = certificateIdentity(socket)
  known.set(socket, identity ?? 'none')
  return identity
}

/** The subject of a verified client certificate: CN is the name, each O a group. */
const certificateIdentity = (socket: TLSSocket): Identity | undefined => {
  if (!socket.getPeerCertificate || !socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  if (!subject?.CN) return undefined
  const organizations = subject.O === undefined ? [] : ([subject.O].flat() as string[])
  return { name: [subject.CN].flat()[0] as string, groups: withAuthenticated(organizations) }
}

const byToken = (options: AuthenticateOptions, header: string | undefined): Identity | undefined => {
  if (!header) return undefined
  const [scheme = '', token = ''] = header.trim().split(' ', 2)
  if (scheme.toLowerCase() !== 'bearer' || token === '') return undefined
  for (const read of options.tokens) {
    const found = read(token)
    if (found && found.untilMs > options.env.now()) return complete(found.identity)
  }
  throw unauthorized()
}

const anonymousIdentity = (options: AuthenticateOptions): Identity => {
  if (options.anonymous === false) throw unauthorized()
  return anonymous
}
