import { certificateSigningRequest } from '@skiff/api'
import { expect, test } from 'vitest'
import { testCluster } from '../testing/cluster.ts'
import { type CertificatePolicy, certificateControllers, SigningRefused } from './certificates.ts'

const setUp = (policy: Partial<CertificatePolicy> = {}) => {
  const cluster = testCluster(
    certificateControllers({ approve: async () => undefined, signers: ['example.com/signer'], sign: async () => 'PEM', ...policy }),
  )
  const make = (signerName = 'example.com/signer') =>
    cluster.client.create(certificateSigningRequest, { metadata: { name: 'r' }, spec: { request: '', signerName } })
  const state = () => cluster.server.all(certificateSigningRequest)[0]?.status
  return { cluster, make, state }
}

test('a request of a known kind is approved and signed, and forgotten after an hour', async () => {
  const { cluster, make, state } = setUp({ approve: async () => 'Auto approving kubelet client certificate after SubjectAccessReview.' })
  await make()
  await cluster.env.advance(1_000)
  expect(state()?.conditions).toEqual([
    {
      type: 'Approved',
      status: 'True',
      reason: 'AutoApproved',
      message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
      lastUpdateTime: '2025-01-01T00:00:00Z',
      lastTransitionTime: '2025-01-01T00:00:00Z',
    },
  ])
  expect(state()?.certificate).toBe(Buffer.from('PEM').toString('base64'))
  await cluster.env.advance(3_600_000)
  expect(cluster.server.all(certificateSigningRequest)).toEqual([])
  await cluster.stop()
})

test('without approval nothing is signed; a day later the request goes', async () => {
  const { cluster, make, state } = setUp()
  await make()
  await cluster.env.advance(23 * 3_600_000)
  expect(state()?.certificate).toBeUndefined()
  await cluster.env.advance(2 * 3_600_000)
  expect(cluster.server.all(certificateSigningRequest)).toEqual([])
  await cluster.stop()
})

test('what the signer refuses is failed for good; what only went wrong is tried again; other signers are left alone', async () => {
  let tries = 0
  const { cluster, make, state } = setUp({
    approve: async () => 'yes',
    sign: async () => {
      tries += 1
      if (tries < 3) throw new Error('not now')
      throw new SigningRefused('usages did not match')
    },
  })
  await make()
  await cluster.env.advance(10_000)
  expect([tries, state()?.conditions?.[1]]).toMatchObject([
    3,
    { type: 'Failed', reason: 'SignerValidationFailure', message: 'usages did not match' },
  ])
  await cluster.client.remove(certificateSigningRequest, { name: 'r' })
  await make('other.example.com/signer')
  await cluster.env.advance(10_000)
  expect([tries, state()?.certificate]).toEqual([3, undefined])
  await cluster.stop()
})
