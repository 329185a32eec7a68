import { type CertificateSigningRequest, subjectAccessReview } from '@skiff/api'
import { type ApiServer, loopbackIdentity, readCertificateRequest, signCertificateRequest } from '@skiff/apiserver'
import { type CertificatePolicy, SigningRefused } from '@skiff/controllers'
import type { Env } from '@skiff/machinery'
import { type Approval, approvalsOf, clusterSigners, signedUsages, signingFault, validSeconds } from './certificate-policy.ts'

const pemOf = ({ spec }: CertificateSigningRequest): string => Buffer.from(spec.request, 'base64').toString()

/** How certificate requests are approved and signed: by the authority of clients, which is that of nodes as well. */
export const certificatePolicy = (api: ApiServer, env: Env): CertificatePolicy => {
  const client = api.client(loopbackIdentity)
  const allowed = async ({ spec }: CertificateSigningRequest, { subresource }: Approval): Promise<boolean> => {
    const { username = '', uid, groups, extra } = spec
    const review = await client.create(subjectAccessReview, {
      metadata: { name: '' },
      spec: {
        user: username,
        ...(uid ? { uid } : {}),
        ...(groups ? { groups } : {}),
        ...(extra ? { extra } : {}),
        resourceAttributes: {
          group: 'certificates.k8s.io',
          resource: 'certificatesigningrequests',
          subresource,
          verb: 'create',
          version: '*',
        },
      },
    })
    return review.status?.allowed === true
  }
  return {
    signers: clusterSigners,
    approve: async (request) => {
      const subject = await readCertificateRequest(pemOf(request))
      for (const approval of approvalsOf(request, subject)) if (await allowed(request, approval)) return approval.message
      return undefined
    },
    sign: async (request) => {
      const { spec } = request
      const fault = signingFault(spec, await readCertificateRequest(pemOf(request)))
      if (fault !== undefined) throw new SigningRefused(fault)
      const terms = { usages: signedUsages(spec.usages), seconds: validSeconds(spec.expirationSeconds) }
      return signCertificateRequest(api.authorities.clients, pemOf(request), terms, env)
    },
  }
}
