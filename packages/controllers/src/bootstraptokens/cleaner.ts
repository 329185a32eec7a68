import type { Secret } from '@skiff/api'
import { secret as secrets } from '@skiff/api'
import { type Controller, objectController } from '../runner/controller.ts'
import { remove, requeue, type Steps } from '../runner/step.ts'
import { expiresAtMs, isBootstrapToken } from './tokens.ts'

/** Removes a bootstrap token when its time has come. */
export const planCleaning = (secret: Secret, nowMs: number): Steps => {
  const endMs = isBootstrapToken(secret) ? expiresAtMs(secret) : undefined
  if (endMs === undefined || secret.metadata.deletionTimestamp !== undefined) return []
  return endMs > nowMs ? [requeue(endMs - nowMs)] : [remove(secrets, secret)]
}

export const tokenCleanerController = (): Controller =>
  objectController({
    name: 'token-cleaner-controller',
    account: 'token-cleaner',
    component: 'token-cleaner',
    resource: secrets,
    plan: (secret, _views, nowMs) => planCleaning(secret, nowMs),
  })
