import type { Env } from '@skiff/machinery'
import { authorityOf, type KeyPair, loadX509, serialNumber } from './authorities.ts'

/** What a PKCS 10 request asks to be. */
export interface RequestedSubject {
  readonly commonName: string
  readonly organizations: readonly string[]
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly emailAddresses: readonly string[]
  readonly uris: readonly string[]
}

/** Reads a request in PEM; throws where it is none. Its signature is checked when it is created, not here. */
export const readCertificateRequest = async (pem: string): Promise<RequestedSubject> => {
  const { request, names } = await open(pem)
  const of = (type: string) => names.filter((name) => name.type === type).map(({ value }) => value)
  const field = (name: string) => request.subjectName.getField(name)
  return {
    commonName: field('CN').at(-1) ?? '',
    organizations: field('O'),
    dnsNames: of('dns'),
    ipAddresses: of('ip'),
    emailAddresses: of('email'),
    uris: of('url'),
  }
}

const subjectAlternativeName = '2.5.29.17'

const open = async (pem: string) => {
  const x509 = await loadX509()
  const request = new x509.Pkcs10CertificateRequest(pem)
  const held = request.getExtension(subjectAlternativeName)
  const names = held ? new x509.SubjectAlternativeNameExtension(held.rawData).names.toJSON() : []
  return { request, names }
}

/** The usages that the signers of a cluster allow, as CertificateSigningRequests name them. */
export type SignedUsage = 'digital signature' | 'key encipherment' | 'client auth' | 'server auth'

export interface RequestTerms {
  readonly usages: readonly SignedUsage[]
  readonly seconds: number
}

/** Clocks differ a little; a certificate of a working day and longer pays for it at its end. */
const backdateMs = 300_000
const shortSeconds = 8 * 3600

/** Signs a request as it stands: its key, its whole subject, its names. Answers the certificate in PEM. */
export const signCertificateRequest = async (authority: KeyPair, pem: string, terms: RequestTerms, env: Env): Promise<string> => {
  const x509 = await loadX509()
  const { request, names } = await open(pem)
  const { issuer, signingKey, signingAlgorithm } = await authorityOf(authority)
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags
  const has = (usage: SignedUsage) => terms.usages.includes(usage)
  const flags = (has('digital signature') ? digitalSignature : 0) | (has('key encipherment') ? keyEncipherment : 0)
  const extended = [
    ...(has('client auth') ? [x509.ExtendedKeyUsage.clientAuth] : []),
    ...(has('server auth') ? [x509.ExtendedKeyUsage.serverAuth] : []),
  ]
  const paidMs = terms.seconds >= shortSeconds ? backdateMs : 0
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: request.subjectName,
    issuer: issuer.subjectName,
    notBefore: new Date(env.now() - backdateMs),
    notAfter: new Date(Math.min(env.now() + terms.seconds * 1000 - paidMs, issuer.notAfter.getTime())),
    signingAlgorithm,
    publicKey: request.publicKey,
    signingKey,
    extensions: [
      ...(flags ? [new x509.KeyUsagesExtension(flags, true)] : []),
      ...(extended.length > 0 ? [new x509.ExtendedKeyUsageExtension(extended)] : []),
      new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  })
  return `${cert.toString('pem')}\n`
}
