import type { Secret, ServiceAccount } from '@skiff/api'
import { secret as secrets, serviceAccount as serviceAccounts } from '@skiff/api'
import type { Views } from '@skiff/client'
import { keyOf, splitKey } from '@skiff/machinery'
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

/** What a token secret that went said of its account: that no longer names it. */
interface Departed {
  readonly account: string
  readonly uid: string | undefined
}

/** The account as the API has it forgets a secret that is gone. */
export const planGoneSecret = (key: string, { account, uid }: Departed): Steps => {
  const { namespace = '', name } = splitKey(key)
  const done = (held: ServiceAccount | undefined): Steps => {
    const kept = held?.secrets?.filter((each) => each.name !== name) ?? []
    if (!held || (uid && uid !== held.metadata.uid) || kept.length === (held.secrets?.length ?? 0)) return []
    const { secrets: _, ...rest } = held
    return [update(serviceAccounts, { ...rest, ...(kept.length > 0 ? { secrets: kept } : {}) } as ServiceAccount)]
  }
  return [read(serviceAccounts, { namespace, name: account }, { done })]
}

const departedFrom = (secret: Secret | undefined): Departed | undefined => {
  const { [nameAnnotation]: account, [uidAnnotation]: uid } = secret?.metadata.annotations ?? {}
  return secret?.type === tokenType && account ? { account, uid } : undefined
}

export const tokenController = (source: TokenSource): Controller => {
  const departed = new Map<string, Departed>()
  return objectController({
    name: 'serviceaccount-token-controller',
    // Upstream signs with the controller manager's own identity: no account may read every secret.
    account: 'system:kube-controller-manager',
    resource: secrets,
    concerns: ({ key, before, after }) => {
      const gone = after ? undefined : departedFrom(before)
      if (gone) departed.set(key, gone)
      return gone !== undefined || after?.type === tokenType
    },
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
    gone: (key) => {
      const was = departed.get(key)
      if (!was) return []
      return [...planGoneSecret(key, was), ask(`forget ${key}`, async () => departed.delete(key), {})]
    },
  })
}
