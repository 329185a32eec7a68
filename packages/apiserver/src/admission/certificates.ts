import { isDeepStrictEqual } from 'node:util'
import type { CertificateSigningRequest } from '@skiff/api'
import type { Identity } from '@skiff/client'
import { forbidden } from '@skiff/machinery'
import { namedOf } from '../rest/context.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import type { AdmissionSources } from './sources.ts'

const isRequest = ({ kind }: AdmissionRequest): boolean =>
  kind.group === 'certificates.k8s.io' && kind.plural === 'certificatesigningrequests'

/** By the signer's whole name, or by its domain's wildcard. */
const mayUse = ({ rbac }: AdmissionSources, identity: Identity, verb: string, signer: string): boolean =>
  [signer, `${signer.split('/')[0]}/*`].some(
    (name) =>
      rbac.authorize({
        identity,
        verb,
        group: 'certificates.k8s.io',
        version: '*',
        resource: 'signers',
        subresource: '',
        namespace: '',
        name,
      }).allowed,
  )

/** Who approves or signs needs the right to do so for the request's signer. */
export const certificateApproval = (sources: AdmissionSources): AdmissionPlugin => ({
  name: 'CertificateApproval',
  validate: (request) => {
    if (!isRequest(request) || request.verb !== 'update' || request.subresource !== 'approval') return undefined
    const signer = (request.old as CertificateSigningRequest).spec.signerName
    if (!mayUse(sources, request.identity, 'approve', signer))
      throw forbidden(
        namedOf(request.kind),
        request.name,
        `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`,
      )
    return undefined
  },
})

export const certificateSigning = (sources: AdmissionSources): AdmissionPlugin => ({
  name: 'CertificateSigning',
  validate: (request) => {
    if (!isRequest(request) || request.verb !== 'update' || request.subresource !== 'status') return undefined
    const [next, old] = [request.object as CertificateSigningRequest, request.old as CertificateSigningRequest]
    const same = next.status?.certificate === old.status?.certificate && isDeepStrictEqual(next.status?.conditions, old.status?.conditions)
    if (same || mayUse(sources, request.identity, 'sign', old.spec.signerName)) return undefined
    throw forbidden(
      namedOf(request.kind),
      request.name,
      `user not permitted to sign requests with signerName ${JSON.stringify(old.spec.signerName)}`,
    )
  },
})

/** An organisation (2.5.4.10) of that name in the request's DER: attribute type, a string's tag, its length, its text. */
const namesMasters = (request: string): boolean => {
  const pem = Buffer.from(request, 'base64').toString()
  const der = Buffer.from(pem.replace(/-----[^-]*-----|\s/g, ''), 'base64')
  const masters = 'system:masters'
  const type = Buffer.from([0x06, 0x03, 0x55, 0x04, 0x0a])
  for (let at = der.indexOf(type); at >= 0; at = der.indexOf(type, at + 1))
    if (der[at + 6] === masters.length && der.toString('latin1', at + 7, at + 7 + masters.length) === masters) return true
  return false
}

const clientSigner = 'kubernetes.io/kube-apiserver-client'

/** No certificate of the client signer makes a member of system:masters. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  validate: (request) => {
    if (!isRequest(request) || request.verb !== 'create' || request.subresource !== undefined) return undefined
    const { spec } = request.object as CertificateSigningRequest
    if (spec.signerName !== clientSigner) return undefined
    if (!namesMasters(spec.request)) return undefined
    throw forbidden(namedOf(request.kind), request.name, `use of ${clientSigner} signer with system:masters group is not allowed`)
  },
}
