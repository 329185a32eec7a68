import { createHash, X509Certificate } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Env } from '@skiff/machinery'
import { issueCertificate, type KeyPair, pairFault, readPair, writePair } from './authorities.ts'

const dayMs = 86_400_000
const validDays = 365
/** With less than this left it is made anew. */
const renewalDays = 30

export interface ServingOptions {
  readonly dir: string
  /** Who signs it. */
  readonly authority: KeyPair
  /** Names and addresses that clients use for the server. */
  readonly hosts: readonly string[]
  readonly env: Env
}

/**
 * The certificate that the server shows: the one that lies in `dir` while it is for these hosts, of this authority and has a month
 * left, or else a new one. Those of other hosts are removed.
 */
export const servingPair = async ({ dir, authority, hosts, env }: ServingOptions): Promise<KeyPair> => {
  const name = servingName(hosts)
  const held = readPair(dir, name)
  if (held && holdsFor(held, authority, env.now(), renewalDays)) return held
  const subject = { commonName: 'kube-apiserver' }
  const pair = await issueCertificate(authority, { subject, days: validDays, usages: ['server'], hosts }, env)
  const kept = writePair(dir, name, pair)
  const olds = readdirSync(dir).filter((file) => /^apiserver-.*\.(crt|key)$/.test(file) && !file.startsWith(`${name}.`))
  for (const file of olds) rmSync(join(dir, file), { force: true })
  return kept
}

/** A change of hosts wants a new certificate, so its file's name is a digest of them. */
const servingName = (hosts: readonly string[]): string =>
  `apiserver-${createHash('sha256')
    .update([...hosts].sort().join(','))
    .digest('hex')
    .slice(0, 16)}`

const holdsFor = (pair: KeyPair, authority: KeyPair, nowMs: number, days: number): boolean => {
  if (pairFault(pair) !== undefined) return false
  const read = new X509Certificate(pair.cert)
  const signed = read.verify(new X509Certificate(authority.cert).publicKey)
  return signed && Date.parse(read.validFrom) <= nowMs && Date.parse(read.validTo) - nowMs >= days * dayMs
}

/** Looks once a day, and hands over a certificate that was made anew. Answers what ends it. */
export const keepServing = (options: ServingOptions, first: KeyPair, renew: (pair: KeyPair) => void): (() => void) => {
  const { env } = options
  let shown = first.cert
  const look = async (): Promise<void> => {
    try {
      const pair = await servingPair(options)
      if (pair.cert === shown) return
      shown = pair.cert
      renew(pair)
      env.log.info('the serving certificate was renewed', { until: new X509Certificate(pair.cert).validTo })
    } catch (error) {
      env.log.error('the serving certificate could not be renewed; it is tried again in a day', { error: String(error) })
    }
  }
  let cancel = (): void => {}
  const wait = (): void => {
    cancel = env.after(dayMs, () => {
      wait()
      void look()
    })
  }
  wait()
  return () => cancel()
}
