import { timingSafeEqual } from 'node:crypto'
import type { Secret } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import { find } from '../registry/tree.ts'
import type { TokenReader } from './authenticate.ts'

const form = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/
const ownGroup = 'system:bootstrappers'

const same = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

const dataOf = ({ data }: Secret, key: string): string => {
  const held = data && Object.hasOwn(data, key) ? data[key] : undefined
  return held === undefined ? '' : Buffer.from(held, 'base64').toString()
}

/**
 * Tokens of machines that are to join, as Secrets of kube-system hold them: `id.secret`. Who has one is system:bootstrap:ID, of
 * system:bootstrappers and of what groups its Secret adds.
 */
export const createBootstrapTokens = (secrets: Cache, env: Env): TokenReader => {
  return (token) => {
    const [, id, key] = form.exec(token) ?? []
    if (!id || !key) return undefined
    const secret = find(secrets.tree, `kube-system/bootstrap-token-${id}`)?.object as Secret | undefined
    if (secret?.type !== 'bootstrap.kubernetes.io/token' || secret.metadata.deletionTimestamp !== undefined) return undefined
    if (!same(dataOf(secret, 'token-secret'), key) || dataOf(secret, 'token-id') !== id) return undefined
    const expiration = dataOf(secret, 'expiration')
    const untilMs = expiration === '' ? Number.POSITIVE_INFINITY : Date.parse(expiration)
    if (!(untilMs > env.now()) || dataOf(secret, 'usage-bootstrap-authentication') !== 'true') return undefined
    const extra = dataOf(secret, 'auth-extra-groups')
    const groups = extra === '' ? [] : extra.split(',')
    if (!groups.every((group) => groupForm.test(group))) return undefined
    return { identity: { name: `system:bootstrap:${id}`, groups: [...new Set([ownGroup, ...groups])].sort() }, untilMs }
  }
}
