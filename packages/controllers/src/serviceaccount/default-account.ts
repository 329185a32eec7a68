import type { Namespace, ServiceAccount } from '@skiff/api'
import { namespace as namespaces, serviceAccount as serviceAccounts } from '@skiff/api'
import type { Views } from '@skiff/client'
import { isRefusal } from '@skiff/machinery'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { create, type Steps } from '../runner/step.ts'

const accountName = 'default'

/** Every namespace has an account for pods that name none. */
export const planDefaultAccount = (namespace: Namespace, views: Views): Steps => {
  const { name } = namespace.metadata
  if (namespace.metadata.deletionTimestamp !== undefined || namespace.status?.phase === 'Terminating') return []
  if (views.view(serviceAccounts).get(`${name}/${accountName}`)) return []
  return [
    create(
      serviceAccounts,
      { metadata: { namespace: name, name: accountName } },
      { failed: (error) => (isRefusal(error, 409) ? [] : undefined) },
    ),
  ]
}

export const serviceAccountController = (): Controller =>
  objectController({
    name: 'serviceaccount-controller',
    account: 'service-account-controller',
    resource: namespaces,
    watches: [
      watching<ServiceAccount>({
        resource: serviceAccounts,
        keys: ({ before, after }) => (after || before?.metadata.name !== accountName ? [] : [before.metadata.namespace ?? '']),
      }),
    ],
    plan: planDefaultAccount,
  })
