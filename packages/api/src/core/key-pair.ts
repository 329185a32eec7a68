import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'

// What Go's TLS finds wrong with a certificate and its key, in its words.

interface Block {
  readonly type: string
  readonly text: string
}

const blocksOf = (text: string): readonly Block[] =>
  [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g)].map(([whole, type = '']) => ({ type, text: whole }))

const shown = (blocks: readonly Block[]): string => `[${blocks.map(({ type }) => type).join(' ')}]`

const noCertificate = (skipped: readonly Block[]): string => {
  if (skipped.length === 0) return 'tls: failed to find any PEM data in certificate input'
  if (skipped.length === 1 && skipped[0]?.type.endsWith('PRIVATE KEY'))
    return 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${shown(skipped)}`
}

const noKey = (skipped: readonly Block[]): string => {
  if (skipped.length === 0) return 'tls: failed to find any PEM data in key input'
  if (skipped.length === 1 && skipped[0]?.type === 'CERTIFICATE')
    return 'tls: found a certificate rather than a key in the PEM for the private key'
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${shown(skipped)}`
}

const tried = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

const pairFault = (certificate: X509Certificate, key: KeyObject): string | undefined => {
  if (certificate.publicKey.asymmetricKeyType !== key.asymmetricKeyType) return 'tls: private key type does not match public key type'
  return certificate.checkPrivateKey(key) ? undefined : 'tls: private key does not match public key'
}

/** The first fault of a pair, both given as base64 of PEM; undefined where they serve. */
export const keyPairFault = (certificateBase64: string, keyBase64: string): string | undefined => {
  const inCertificate = blocksOf(Buffer.from(certificateBase64, 'base64').toString('latin1'))
  const leaf = inCertificate.find(({ type }) => type === 'CERTIFICATE')
  if (!leaf) return noCertificate(inCertificate)
  const inKey = blocksOf(Buffer.from(keyBase64, 'base64').toString('latin1'))
  const block = inKey.find(({ type }) => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY'))
  if (!block) return noKey(inKey)
  const certificate = tried(() => new X509Certificate(leaf.text))
  if (!certificate) return 'x509: malformed certificate'
  const key = tried(() => createPrivateKey(block.text))
  return key ? pairFault(certificate, key) : 'tls: failed to parse private key'
}
