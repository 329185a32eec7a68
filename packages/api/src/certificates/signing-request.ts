import { constants, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { quoted } from '@skiff/machinery'
import { DerError, type DerValue, derTag, readAll, readOid, readValue } from './der.ts'

interface PemBlock {
  readonly type: string
  readonly headers: boolean
  readonly bytes: Buffer
}

const pemBlock = /-----BEGIN ([^\n-]+)-----[ \t\r]*\n([\s\S]*?)\n?-----END \1-----/g

const pemBlocks = (text: string): readonly PemBlock[] =>
  [...text.matchAll(pemBlock)].map(([, type = '', body = '']) => ({
    type,
    headers: body.includes(':'),
    bytes: Buffer.from(body.slice(body.lastIndexOf(':') + 1), 'base64'),
  }))

const mismatch = 'x509: signature verification failed'

/** What is wrong with a PKCS 10 request in PEM: its form, or its signature by the key that it names. Undefined: nothing. */
export const requestFault = (pem: Buffer): string | undefined => {
  const [block] = pemBlocks(pem.toString('latin1'))
  if (block?.type !== 'CERTIFICATE REQUEST') return 'PEM block type must be CERTIFICATE REQUEST'
  try {
    return isSigned(block.bytes) ? undefined : mismatch
  } catch (error) {
    return error instanceof DerError ? error.message : `x509: ${(error as Error).message}`
  }
}

/** The PKCS 10 request in a PEM text; undefined where there is none that can be read. */
export const requestBytes = (pem: Buffer): DerValue | undefined => {
  const [block] = pemBlocks(pem.toString('latin1'))
  if (block?.type !== 'CERTIFICATE REQUEST') return undefined
  try {
    return readValue(block.bytes)[0]
  } catch {
    return undefined
  }
}

const isSigned = (request: Buffer): boolean => {
  const [outer, rest] = readValue(request)
  if (rest.length > 0) throw new DerError('asn1: syntax error: trailing data')
  const [info, algorithm, signature] = readAll(outer, derTag.sequence)
  if (!info || !algorithm || signature?.tag !== derTag.bitString) throw new DerError('asn1: syntax error: sequence truncated')
  const [version, subject, publicKey] = readAll(info, derTag.sequence)
  if (version?.tag !== derTag.integer || subject?.tag !== derTag.sequence || publicKey?.tag !== derTag.sequence)
    throw new DerError("asn1: structure error: tags don't match")
  const key = createPublicKey({ key: publicKey.whole, format: 'der', type: 'spki' })
  const { hash, pss } = signatureAlgorithm(algorithm)
  const padding = pss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } : {}
  // The first byte of a bit string says how many bits of the last are unused: none, here.
  return verify(hash, info.whole, { key, ...padding }, signature.content.subarray(1))
}

const pssOid = '1.2.840.113549.1.1.10'
const hashOfSignature: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  // Ed25519 hashes by itself.
  '1.3.101.112': null,
}
const hashOfOid: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

const signatureAlgorithm = (algorithm: DerValue): { readonly hash: string | null; readonly pss: boolean } => {
  const [name, parameters] = readAll(algorithm, derTag.sequence)
  const oid = name ? readOid(name) : ''
  if (oid === pssOid && parameters) return { hash: pssHash(parameters), pss: true }
  const hash = hashOfSignature[oid]
  if (hash === undefined) throw new DerError('x509: cannot verify signature: algorithm unimplemented')
  return { hash, pss: false }
}

/** RSASSA-PSS names its hash in the first of its parameters. */
const pssHash = (parameters: DerValue): string => {
  const [tagged] = readAll(parameters, derTag.sequence)
  const [inner] = tagged ? readAll(tagged, 0xa0) : []
  const [name] = inner ? readAll(inner, derTag.sequence) : []
  const hash = name && hashOfOid[readOid(name)]
  if (!hash) throw new DerError('x509: cannot verify signature: algorithm unimplemented')
  return hash
}

/** What is wrong with the certificates that a signer issued. Undefined: nothing, or there are none. */
export const certificateFault = (pem: Buffer): string | undefined => {
  if (pem.length === 0) return undefined
  const blocks = pemBlocks(pem.toString('latin1'))
  for (const { type, headers, bytes } of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${quoted(type)}`
    if (headers) return 'no PEM block headers are permitted'
    if (bytes.length === 0) return 'found CERTIFICATE PEM block containing 0 certificates'
    try {
      new X509Certificate(bytes)
    } catch {
      return 'x509: malformed certificate'
    }
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined
}
