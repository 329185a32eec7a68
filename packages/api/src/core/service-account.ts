import { mapSame, withField } from '../defaults/patch.ts'
import { serviceAccount as serviceAccountResource } from '../generated/resources.ts'
import type { ServiceAccount } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

/** Of a reference to a secret, the name alone is kept. */
const cleanReferences = (account: ServiceAccount): ServiceAccount => {
  if (account.secrets === undefined) return account
  return withField(
    account,
    'secrets',
    mapSame(account.secrets, (secret) =>
      Object.keys(secret).every((field) => field === 'name') ? secret : { name: secret.name as string },
    ),
  )
}

const mountable = 'kubernetes.io/enforce-mountable-secrets'

export const serviceAccount = defineKind<ServiceAccount>(serviceAccountResource, {
  generation: false,
  warnings: (next, old) =>
    next.metadata.annotations?.[mountable] !== undefined && old?.metadata.annotations?.[mountable] === undefined
      ? [`metadata.annotations[${mountable}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`]
      : [],
  prepareForCreate: cleanReferences,
  prepareForUpdate: cleanReferences,
})
