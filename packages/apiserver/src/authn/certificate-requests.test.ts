import { webcrypto, X509Certificate } from 'node:crypto'
import { virtualEnv } from '@skiff/client'
import { expect, test } from 'vitest'
import { loadX509, makeAuthority } from './authorities.ts'
import { readCertificateRequest, signCertificateRequest } from './certificate-requests.ts'

const requestBy = async (algorithm: object, sign: object): Promise<string> => {
  const x509 = await loadX509()
  const keys = (await webcrypto.subtle.generateKey(algorithm as webcrypto.EcKeyGenParams, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'O=system:nodes, CN=system:node:one',
    keys: keys as never,
    signingAlgorithm: sign as never,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'one' },
        { type: 'ip', value: '10.0.0.1' },
      ]),
    ],
  })
  return request.toString('pem')
}

const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
const ec = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }

test.each([
  ['RSA', rsa],
  ['P-384', ec],
])('a request with a key of %s is read, and signed as it stands', async (_name, algorithm) => {
  const env = virtualEnv()
  const authority = await makeAuthority('kubernetes', env)
  const pem = await requestBy(algorithm, algorithm)
  expect(await readCertificateRequest(pem)).toEqual({
    commonName: 'system:node:one',
    organizations: ['system:nodes'],
    dnsNames: ['one'],
    ipAddresses: ['10.0.0.1'],
    emailAddresses: [],
    uris: [],
  })
  const cert = await signCertificateRequest(authority, pem, { usages: ['digital signature', 'server auth'], seconds: 86_400 }, env)
  const read = new X509Certificate(cert)
  expect(read.verify(new X509Certificate(authority.cert).publicKey)).toBe(true)
  expect([read.subject, read.subjectAltName, read.keyUsage, read.ca]).toEqual([
    'O=system:nodes\nCN=system:node:one',
    'DNS:one, IP Address:10.0.0.1',
    ['1.3.6.1.5.5.7.3.1'],
    false,
  ])
  // A day in all, as asked for: what lies before now is taken from its end.
  expect(Date.parse(read.validTo) - Date.parse(read.validFrom)).toBe(86_400_000)
})
