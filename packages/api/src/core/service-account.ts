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

export const serviceAccount = defineKind<ServiceAccount>(serviceAccountResource, {
  generation: false,
  prepareForCreate: cleanReferences,
  prepareForUpdate: cleanReferences,
})
