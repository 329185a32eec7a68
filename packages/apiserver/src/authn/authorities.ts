import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Env } from '@skiff/machinery'

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

export interface Subject {
  readonly commonName: string
  readonly organizations?: readonly string[]
}

const dayMs = 86_400_000
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

// Loaded only when a certificate is to be made: an ordinary start reads files.
export const loadX509 = async () => {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as never)
  return x509
}

const nameOf = ({ commonName, organizations = [] }: Subject) => [...organizations.map((each) => ({ O: [each] })), { CN: [commonName] }]

const keyPem = async (key: webcrypto.CryptoKey): Promise<string> => {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }) as string
}

const importKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }) as Buffer, algorithm, true, ['sign'])

export const serialNumber = (): string =>
  randomBytes(16)
    .toString('hex')
    .replace(/^[89a-f]/, '1')

export const makeAuthority = async (commonName: string, env: Env): Promise<KeyPair> => {
  const x509 = await loadX509()
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: nameOf({ commonName }),
    notBefore: new Date(env.now() - dayMs),
    notAfter: new Date(env.now() + 3650 * dayMs),
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never),
    ],
  })
  return { cert: `${cert.toString('pem')}\n`, key: await keyPem(keys.privateKey) }
}

export interface IssueOptions {
  readonly subject: Subject
  readonly days: number
  readonly usages: readonly ('client' | 'server')[]
  /** DNS names and IP addresses of a server. */
  readonly hosts?: readonly string[]
}

/** Issues a certificate with a key of its own. */
export const issueCertificate = async (authority: KeyPair, options: IssueOptions, env: Env): Promise<KeyPair> => {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const cert = await signPublicKey(authority, keys.publicKey, options, env)
  return { cert, key: await keyPem(keys.privateKey) }
}

/** An authority as signing needs it. */
export const authorityOf = async (authority: KeyPair) => {
  const x509 = await loadX509()
  return {
    issuer: new x509.X509Certificate(authority.cert),
    signingKey: (await importKey(authority.key)) as never,
    signingAlgorithm: algorithm,
  }
}

const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':')

/** Signs a public key under an authority; answers the PEM certificate. */
export const signPublicKey = async (
  authority: KeyPair,
  publicKey: webcrypto.CryptoKey,
  options: IssueOptions,
  env: Env,
): Promise<string> => {
  const x509 = await loadX509()
  const { issuer, signingKey, signingAlgorithm } = await authorityOf(authority)
  const usages = options.usages.map((usage) => (usage === 'client' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth))
  const names = (options.hosts ?? []).map((host) =>
    isAddress(host) ? ({ type: 'ip', value: host } as const) : ({ type: 'dns', value: host } as const),
  )
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: nameOf(options.subject),
    issuer: issuer.subjectName,
    notBefore: new Date(env.now() - 300_000),
    notAfter: new Date(Math.min(env.now() + options.days * dayMs, issuer.notAfter.getTime())),
    signingAlgorithm,
    publicKey: publicKey as never,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(usages),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  })
  return `${cert.toString('pem')}\n`
}

export const readPair = (dir: string, name: string): KeyPair | undefined => {
  const cert = join(dir, `${name}.crt`)
  const key = join(dir, `${name}.key`)
  return existsSync(cert) && existsSync(key) ? { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') } : undefined
}

export const writePair = (dir: string, name: string, pair: KeyPair): KeyPair => {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  writeFileSync(join(dir, `${name}.crt`), pair.cert, { mode: 0o644 })
  writeFileSync(join(dir, `${name}.key`), pair.key, { mode: 0o600 })
  return pair
}

/** Reads the pair of this name, or makes and keeps it. Throws with what to do when it is damaged: many things hang on an authority. */
export const keptPair = async (dir: string, name: string, make: () => Promise<KeyPair>): Promise<KeyPair> => {
  const held = readPair(dir, name)
  if (held === undefined) return writePair(dir, name, await make())
  const fault = pairFault(held)
  if (fault === undefined) return held
  throw new Error(
    `${join(dir, name)}.crt and its key cannot be used (${fault}): restore them from a copy; removed, they are made anew, and what the old ones signed is worth nothing`,
  )
}

/** Why a certificate and a key are not a pair; undefined when they are. */
export const pairFault = ({ cert, key }: KeyPair): string | undefined => {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? undefined : 'the key is that of another certificate'
  } catch (error) {
    return (error as Error).message
  }
}
