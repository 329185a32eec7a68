import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Env } from '@skiff/machinery'
import { issueCertificate, type KeyPair, keptPair, makeAuthority } from './authorities.ts'
import { servingPair } from './serving.ts'

/** Who signs what: clients and the serving certificate, the front proxy, and the store each have an authority of their own. */
export interface Authorities {
  readonly clients: KeyPair
  readonly frontProxy: KeyPair
  readonly store: KeyPair
  readonly serving: KeyPair
  /** Private keys (PKCS 8 PEM) that sign service-account tokens; the first signs, all verify. */
  readonly serviceAccountKeys: readonly string[]
  /** The certificate under which this server speaks to the servers behind it; made when first asked for. */
  readonly frontProxyClient: () => Promise<KeyPair>
}

/** Reads the authorities that lie in `dir`, making what is missing. `hosts` are the names and addresses that clients use for the server. */
export const openAuthorities = async (dir: string, hosts: readonly string[], env: Env): Promise<Authorities> => {
  const clients = await keptPair(dir, 'ca', () => makeAuthority('kubernetes', env))
  const frontProxy = await keptPair(dir, 'front-proxy-ca', () => makeAuthority('front-proxy-ca', env))
  const store = await keptPair(dir, 'store-ca', () => makeAuthority('store-ca', env))
  const serving = await servingPair({ dir, authority: clients, hosts, env })
  const proxy = { subject: { commonName: 'front-proxy-client' }, days: 365, usages: ['client'] } as const
  let pair: Promise<KeyPair> | undefined
  return {
    clients,
    frontProxy,
    store,
    serving,
    serviceAccountKeys: [serviceAccountKey(dir)],
    frontProxyClient: () => {
      pair ??= issueCertificate(frontProxy, proxy, env)
      return pair
    },
  }
}

const serviceAccountKey = (dir: string): string => {
  const path = join(dir, 'service-account.key')
  if (existsSync(path)) return readFileSync(path, 'utf8')
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  writeFileSync(path, key, { mode: 0o600 })
  return key
}
