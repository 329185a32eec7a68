import type { Secret } from '@skiff/api'

/** A value of a bootstrap token's Secret as text; '' where it has none. */
export const dataOf = ({ data }: Secret, key: string): string => {
  const held = data && Object.hasOwn(data, key) ? data[key] : undefined
  return held === undefined ? '' : Buffer.from(held, 'base64').toString()
}

export const isBootstrapToken = ({ type, metadata }: Secret): boolean =>
  type === 'bootstrap.kubernetes.io/token' && metadata.namespace === 'kube-system'

/** When the token ends, in ms; undefined for one that never does, 0 for a time that cannot be read. */
export const expiresAtMs = (secret: Secret): number | undefined => {
  const text = dataOf(secret, 'expiration')
  return text === '' ? undefined : Date.parse(text) || 0
}
const isExpired = (secret: Secret, nowMs: number): boolean => (expiresAtMs(secret) ?? Number.POSITIVE_INFINITY) <= nowMs

/** Id and secret of a token that may sign the cluster's public configuration. */
export const signingToken = (secret: Secret, nowMs: number): readonly [id: string, secret: string] | undefined => {
  const id = /^bootstrap-token-([a-z0-9]{6})$/.exec(secret.metadata.name)?.[1]
  const key = dataOf(secret, 'token-secret')
  const isGood = id !== undefined && dataOf(secret, 'token-id') === id && key !== '' && dataOf(secret, 'usage-bootstrap-signing') === 'true'
  return isGood && isBootstrapToken(secret) && !isExpired(secret, nowMs) ? [id, key] : undefined
}
