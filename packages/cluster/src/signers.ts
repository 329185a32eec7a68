import type { Secret, ServiceAccount } from '@skiff/api'
import type { ApiServer } from '@skiff/apiserver'
import type { Env } from '@skiff/machinery'

import { certificatePolicy } from './certificate-signing.ts'

/** A token secret has no end of its own: ten years, and it dies with its secret. */
const secretTokenSeconds = 10 * 365 * 24 * 3600

/** What controllers sign with: certificates of the authority of clients, and service-account tokens for secrets that ask for one. */
export const signers = (api: ApiServer, env: Env) => ({
  certificates: certificatePolicy(api, env),
  rootCa: () => api.authorities.clients.cert,
  signToken: async (account: ServiceAccount, secret: Secret): Promise<string> => {
    const now = Math.floor(env.now() / 1000)
    const { name, namespace = '', uid } = account.metadata
    return api.signer.sign({
      aud: [api.signer.issuer],
      exp: now + secretTokenSeconds,
      iat: now,
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${name}`,
      'kubernetes.io': { namespace, serviceaccount: { name, uid }, secret: { name: secret.metadata.name, uid: secret.metadata.uid } },
    })
  },
})
