import type { Secret, ServiceAccount } from '@skiff/api'
import type { ApiServer } from '@skiff/apiserver'
import type { Env } from '@skiff/machinery'

import { certificatePolicy } from './certificate-signing.ts'

/** What controllers sign with: certificates of the authority of clients, and service-account tokens for secrets that ask for one. */
export const signers = (api: ApiServer, env: Env) => ({
  certificates: certificatePolicy(api, env),
  rootCa: () => api.authorities.clients.cert,
  signToken: async ({ metadata: { name, namespace = '', uid } }: ServiceAccount, secret: Secret): Promise<string> =>
    api.signer.signForSecret({ namespace, secret: secret.metadata.name, account: { name, uid } }),
})
