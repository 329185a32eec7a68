import type { CertificateSigningRequest } from '@skiff/api'
import type { RequestedSubject, SignedUsage } from '@skiff/apiserver'

const clientSigner = 'kubernetes.io/kube-apiserver-client'
const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet'
const kubeletServingSigner = 'kubernetes.io/kubelet-serving'

/** The signers that a cluster has, as upstream's csrsigning controller serves them. */
export const clusterSigners: readonly string[] = [clientSigner, kubeletClientSigner, kubeletServingSigner]

type Asked = Pick<CertificateSigningRequest['spec'], 'signerName' | 'usages'>

/** Why a signer must not sign a request, in upstream's words; undefined when it may. */
export const signingFault = ({ signerName, usages = [] }: Asked, subject: RequestedSubject): string | undefined => {
  switch (signerName) {
    case clientSigner:
      return clientFault(usages)
    case kubeletClientSigner:
      return kubeletClientFault(usages, subject)
    case kubeletServingSigner:
      return kubeletServingFault(usages, subject)
    default:
      return `unrecognized signerName: ${JSON.stringify(signerName)}`
  }
}

const clientFault = (usages: readonly string[]): string | undefined => {
  const other = usages.find((usage) => !['client auth', 'digital signature', 'key encipherment'].includes(usage))
  if (other !== undefined) return `invalid usage for client certificate: ${other}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}

const kubeletClientFault = (usages: readonly string[], subject: RequestedSubject): string | undefined => {
  if (!isOfNodes(subject)) return 'subject organization is not system:nodes'
  if (subject.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed'
  if (subject.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed'
  if (subject.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed'
  if (subject.uris.length > 0) return 'URI subjectAltNames are not allowed'
  return nodeNameFault(subject) ?? nodeUsagesFault(usages, 'client auth')
}

const kubeletServingFault = (usages: readonly string[], subject: RequestedSubject): string | undefined => {
  if (!isOfNodes(subject)) return 'subject organization is not system:nodes'
  if (subject.dnsNames.length + subject.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required'
  if (subject.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed'
  if (subject.uris.length > 0) return 'URI subjectAltNames are not allowed'
  return nodeUsagesFault(usages, 'server auth') ?? nodeNameFault(subject)
}

const isOfNodes = ({ organizations }: RequestedSubject): boolean => organizations.length === 1 && organizations[0] === 'system:nodes'

const nodeNameFault = ({ commonName }: RequestedSubject): string | undefined =>
  commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:'

/** A key that cannot encrypt (any but RSA) goes without `key encipherment`. */
const nodeUsagesFault = (usages: readonly string[], role: 'client auth' | 'server auth'): string | undefined => {
  const needed = [role, 'digital signature', 'key encipherment'].sort()
  const missing = needed.filter((usage) => !usages.includes(usage))
  const extra = usages.some((usage) => !needed.includes(usage))
  const fits = !extra && missing.every((usage) => usage === 'key encipherment')
  return fits ? undefined : `usages did not match [${needed.join(' ')}]`
}

/** What an approver would grant without a human: a kubelet's client certificate, for itself or for another node. */
export interface Approval {
  /** The subresource that the requester must be allowed to create. */
  readonly subresource: 'selfnodeclient' | 'nodeclient'
  readonly message: string
}

/** In the order in which they are tried. */
export const approvalsOf = ({ spec }: CertificateSigningRequest, subject: RequestedSubject): readonly Approval[] => {
  if (spec.signerName !== kubeletClientSigner || signingFault(spec, subject) !== undefined) return []
  const self: Approval = {
    subresource: 'selfnodeclient',
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
  }
  return [
    ...(spec.username === subject.commonName ? [self] : []),
    { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' },
  ]
}

const yearSeconds = 365 * 24 * 3600
const shortestSeconds = 600

/** A year, or what was asked for where that is less; upstream's bound below is ten minutes. */
export const validSeconds = (asked: number | undefined): number => Math.max(shortestSeconds, Math.min(asked ?? yearSeconds, yearSeconds))

/** The usages that go into the certificate, after `signingFault` found nothing. */
export const signedUsages = (usages: readonly string[] = []): readonly SignedUsage[] =>
  (['digital signature', 'key encipherment', 'client auth', 'server auth'] as const).filter((usage) => usages.includes(usage))
