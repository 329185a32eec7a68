import type { CertificateSigningRequest } from '@skiff/api'
import type { RequestedSubject } from '@skiff/apiserver'
import { expect, test } from 'vitest'
import { approvalsOf, signedUsages, signingFault, validSeconds } from './certificate-policy.ts'

const node: RequestedSubject = {
  commonName: 'system:node:one',
  organizations: ['system:nodes'],
  dnsNames: [],
  ipAddresses: [],
  emailAddresses: [],
  uris: [],
}
const client = { signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] } as const
const kubelet = { signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages: ['client auth', 'digital signature'] } as const
const serving = { signerName: 'kubernetes.io/kubelet-serving', usages: ['server auth', 'digital signature', 'key encipherment'] } as const

test.each([
  [client, { ...node, commonName: 'jane', organizations: [] }, undefined],
  [{ ...client, usages: ['client auth', 'server auth'] } as const, node, 'invalid usage for client certificate: server auth'],
  [{ ...client, usages: ['digital signature'] } as const, node, 'missing required usage for client certificate: client auth'],
  [kubelet, node, undefined],
  [{ ...kubelet, usages: ['client auth', 'digital signature', 'key encipherment'] } as const, node, undefined],
  [kubelet, { ...node, organizations: ['system:nodes', 'more'] }, 'subject organization is not system:nodes'],
  [kubelet, { ...node, commonName: 'one' }, 'subject common name does not begin with system:node:'],
  [kubelet, { ...node, dnsNames: ['one'] }, 'DNS subjectAltNames are not allowed'],
  [kubelet, { ...node, ipAddresses: ['10.0.0.1'] }, 'IP subjectAltNames are not allowed'],
  [{ ...kubelet, usages: ['client auth'] } as const, node, 'usages did not match [client auth digital signature key encipherment]'],
  [serving, { ...node, dnsNames: ['one'] }, undefined],
  [serving, node, 'DNS or IP subjectAltName is required'],
  [serving, { ...node, dnsNames: ['one'], emailAddresses: ['a@b'] }, 'Email subjectAltNames are not allowed'],
  [
    { ...serving, usages: ['client auth'] } as const,
    { ...node, ipAddresses: ['::1'] },
    'usages did not match [digital signature key encipherment server auth]',
  ],
])('%j of %j: %s', (spec, subject, fault) => expect(signingFault(spec, subject)).toBe(fault))

test("a kubelet's own request is tried as its own, then as one for any node; nothing else is approved without a human", () => {
  const request = (spec: object) => ({ metadata: { name: 'r' }, spec: { request: '', ...spec } }) as unknown as CertificateSigningRequest
  const tried = (spec: object) => approvalsOf(request(spec), node).map(({ subresource }) => subresource)
  expect(tried({ ...kubelet, username: 'system:node:one' })).toEqual(['selfnodeclient', 'nodeclient'])
  expect(tried({ ...kubelet, username: 'system:bootstrap:abcdef' })).toEqual(['nodeclient'])
  expect(tried({ ...serving, username: 'system:node:one' })).toEqual([])
  expect(tried({ ...client, username: 'jane' })).toEqual([])
})

test('a year at most, ten minutes at least; only usages that are known', () => {
  expect([undefined, 60, 3600, 1e9].map(validSeconds)).toEqual([31_536_000, 600, 3600, 31_536_000])
  expect(signedUsages(['client auth', 'digital signature'])).toEqual(['digital signature', 'client auth'])
})
