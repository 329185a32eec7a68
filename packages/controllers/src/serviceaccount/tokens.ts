import type { Secret, ServiceAccount } from '@skiff/api'
import { secret as secrets, serviceAccount as serviceAccounts } from '@skiff/api'
import type { Views } from '@skiff/client'
import { keyOf } from '@skiff/machinery'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { ask, read, remove, type Steps, targetOf, update } from '../runner/step.ts'

const tokenType = 'kubernetes.io/service-account-token'
const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'

export interface TokenSource {
  /** Signs a token without an end for `account`, bound to `secret`. */
  readonly sign: (account: ServiceAccount, secret: Secret) => Promise<string>
  /** PEM. */
  readonly bundle: () => string
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Fills a token secret that a user made, and removes one whose account is gone. Nobody gets such a secret unasked. */
export const planTokenSecret = (secret: Secret, views: Views, source: TokenSource): Steps => {
  if (secret.type !== tokenType || secret.metadata.deletionTimestamp !== undefined) return []
  const { namespace = '', annotations = {} } = secret.metadata
  const accountName = annotations[nameAnnotation]
  if (!accountName) return []
  const wanted = annotations[uidAnnotation]
  const account = views.view(serviceAccounts).get(`${namespace}/${accountName}`)
  if (!account || (wanted && wanted !== account.metadata.uid)) return removeUnlessAccount(secret, accountName, wanted)
  const data = { 'ca.crt': base64(source.bundle()), namespace: base64(namespace) }
  const isFilled = secret.data?.token && secret.data['ca.crt'] === data['ca.crt'] && secret.data.namespace === data.namespace
  if (isFilled && wanted) return []
  const fill = (token: string): Steps => [
    update(secrets, {
      ...secret,
      metadata: { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: account.metadata.uid } },
      data: { ...secret.data, ...data, token: secret.data?.token ?? base64(token) },
    }),
  ]
  return secret.data?.token ? fill('') : [ask(`a token for ${keyOf(account)}`, () => source.sign(account, secret), { done: fill })]
}

/** The view may not have the account yet: a secret is only removed when the API itself says so. */
const removeUnlessAccount = (secret: Secret, accountName: string, wanted: string | undefined): Steps => [
  read(
    serviceAccounts,
    { ...targetOf(secret), name: accountName },
    {
      done: (account) => (account && (!wanted || wanted === account.metadata.uid) ? [] : [remove(secrets, secret, { sameVersion: true })]),
    },
  ),
]

export const tokenController = (source: TokenSource): Controller =>
  objectController({
    name: 'serviceaccount-token-controller',
    // Upstream signs with the controller manager's own identity: no account may read every secret.
    account: 'system:kube-controller-manager',
    resource: secrets,
    concerns: ({ after }) => after?.type === tokenType,
    watches: [
      watching<ServiceAccount>({
        resource: serviceAccounts,
        keys: ({ before, after }, views) => {
          const { name, namespace = '' } = (after ?? before)?.metadata ?? {}
          const isNamed = (secret: Secret) => secret.type === tokenType && secret.metadata.annotations?.[nameAnnotation] === name
          return [...views.view(secrets).list(namespace)].filter(isNamed).map(keyOf)
        },
      }),
    ],
    plan: (secret, views) => planTokenSecret(secret, views, source),
  })
