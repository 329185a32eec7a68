export type { AdmissionPlugin, AdmissionRequest } from './admission/admission.ts'
export type { NodePatience } from './admission/default-toleration-seconds.ts'
export { parseServiceCidrs } from './allocate/open.ts'
export { parsePortRange } from './allocate/port-claims.ts'
export type { TokenReader } from './authn/authenticate.ts'
export {
  type IssueOptions,
  issueCertificate,
  type KeyPair,
  keptPair,
  signPublicKey,
  writePair,
} from './authn/authorities.ts'
export {
  type RequestedSubject,
  type RequestTerms,
  readCertificateRequest,
  type SignedUsage,
  signCertificateRequest,
} from './authn/certificate-requests.ts'
export { type Authorities, openAuthorities } from './authn/open-authorities.ts'
export type { TokenSigner } from './authn/tokens.ts'
export {
  type LogOptions,
  type Meter,
  type NodeConnection,
  type NodeDirectory,
  noNodes,
  type PodRef,
  type StreamRequest,
} from './parts/node-directory.ts'
export { type Identifiers, seededIdentifiers } from './rest/identifiers.ts'
export { type ApiServer, type ApiServerOptions, loopbackIdentity, startApiServer } from './server.ts'
export { kubernetesVersion } from './version.ts'
