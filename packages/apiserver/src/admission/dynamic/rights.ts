import type { Identity } from '@skiff/client'
import { type CelRights, type CelValue, celAuthorizer } from '@skiff/machinery'
import type { AdmissionRequest } from '../admission.ts'
import type { AdmissionSources } from '../sources.ts'

type Asked = Pick<AdmissionSources, 'authorize' | 'why'>

/** What expressions know as `authorizer`: the rights of whoever makes the request. */
export const authorizerOf = (sources: Asked, { identity, kind, subresource, namespace, name }: AdmissionRequest): CelValue =>
  celAuthorizer(rightsOf(sources, identity), {
    group: kind.group,
    resource: kind.plural,
    subresource: subresource ?? '',
    namespace: namespace ?? '',
    name,
  })

const rightsOf = ({ authorize, why }: Asked, identity: Identity): CelRights => ({
  decide: (question) => {
    const attributes = { identity, version: '*', ...question }
    const { allowed, reason } = authorize(attributes)
    return { allowed, reason: allowed ? why(attributes) : reason }
  },
  ofServiceAccount: (namespace, name) =>
    rightsOf(
      { authorize, why },
      {
        name: `system:serviceaccount:${namespace}:${name}`,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
      },
    ),
})
