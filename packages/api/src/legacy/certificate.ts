import type { FieldError } from '@skiff/machinery'
import { defaultSigner } from '../certificates/kubelet-request.ts'
import type { CertificateSigningRequest } from '../generated/types.ts'
import type { Form, Loose } from './legacy-kind.ts'

const decisions = new Set(['Approved', 'Denied'])

/** What certificates.k8s.io/v1beta1 let pass: any usage, twice as well, conditions without a type or twice, any text as a certificate. */
const letsPass = ({ field, reason, body }: FieldError): boolean => {
  if (/^spec\.usages\[/.test(field) || field === 'status.certificate')
    return reason !== 'FieldValueForbidden' || body.includes('modify existing')
  if (field === 'spec.signerName') return body.includes('the legacy signerName is not allowed')
  return /^status\.conditions\[\d+\]\.type$/.test(field) && (reason === 'FieldValueDuplicate' || reason === 'FieldValueRequired')
}

type Csr = CertificateSigningRequest
const decided = ({ status }: Csr): string =>
  JSON.stringify(
    status?.conditions
      ?.map(({ type }) => type)
      .filter((type) => decisions.has(type))
      .sort() ?? [],
  )

export const certificateSigningRequest: Form = {
  default: (object) => {
    const spec = object.spec ?? {}
    const usages = (spec.usages as readonly string[] | undefined) ?? ['digital signature', 'key encipherment']
    const signerName = spec.signerName ?? defaultSigner(Buffer.from(String(spec.request ?? ''), 'base64'), usages)
    return { ...object, spec: { ...spec, usages, signerName } } as Loose
  },
  fault: (fault) => (letsPass(fault) ? undefined : fault),
  behaviour: ({ subresources }) => {
    const status = subresources?.status
    if (!status) return {}
    return {
      subresources: {
        ...subresources,
        status: {
          ...status,
          // A decision that came with a status was passed over, with all conditions of that write.
          prepareForUpdate: (next, old, context) => {
            const [sent, held] = [next as Csr, old as Csr]
            const kept =
              decided(sent) === decided(held) ? sent : { ...sent, status: { ...sent.status, conditions: held.status?.conditions } }
            return status.prepareForUpdate(kept as Csr, old, context)
          },
        },
      },
    }
  },
}
