import {
  invalidValue,
  isDns1035Label,
  isDns1123Subdomain,
  isPortNumber,
  nameIsPathSegment,
  notSupported,
  quoted,
  required,
} from '@skiff/machinery'
import { addInvalid, collect, type Faults } from '../checks/faults.ts'
import { apiService as resource } from '../generated/resources.ts'
import type { APIService, APIServiceSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { withOldMetadata } from '../prepare.ts'

const topGroupPriority = 20_000
const topVersionPriority = 1000
const statuses = ['True', 'False', 'Unknown']

const checkName = (faults: Faults, { metadata, spec }: APIService): void => {
  const name = metadata.name ?? ''
  const fitting = `${spec.version ?? ''}.${spec.group ?? ''}`
  if (name !== '' && name !== fitting && nameIsPathSegment(name, false).length === 0)
    faults.push(invalidValue('metadata.name', name, `must be \`spec.version+"."+spec.group\`: ${quoted(fitting)}`))
}

const checkSpec = (faults: Faults, spec: APIServiceSpec): void => {
  const { group = '', version = '', groupPriorityMinimum: ofGroup = 0, versionPriority: ofVersion = 0 } = spec
  if (group !== '') addInvalid(faults, isDns1123Subdomain(group), group, 'spec.group')
  else if (version !== 'v1') faults.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
  addInvalid(faults, isDns1035Label(version), version, 'spec.version')
  if (ofGroup <= 0 || ofGroup > topGroupPriority)
    faults.push(invalidValue('spec.groupPriorityMinimum', ofGroup, `must be positive and less than ${topGroupPriority}`))
  if (ofVersion <= 0 || ofVersion > topVersionPriority)
    faults.push(invalidValue('spec.versionPriority', ofVersion, `must be positive and less than ${topVersionPriority}`))
  if (spec.service === undefined) checkLocal(faults, spec)
  else checkRemote(faults, spec, spec.service)
}

const checkLocal = (faults: Faults, { caBundle, insecureSkipTLSVerify }: APIServiceSpec): void => {
  if (caBundle)
    faults.push(
      invalidValue('spec.caBundle', `${Buffer.from(caBundle, 'base64').length} bytes`, 'local APIServices may not have a caBundle'),
    )
  if (insecureSkipTLSVerify)
    faults.push(invalidValue('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'))
}

const checkRemote = (faults: Faults, spec: APIServiceSpec, { namespace, name, port = 0 }: NonNullable<APIServiceSpec['service']>): void => {
  if (!namespace) faults.push(required('spec.service.namespace'))
  if (!name) faults.push(required('spec.service.name'))
  const complaints = isPortNumber(port)
  if (complaints.length > 0) faults.push(invalidValue('spec.service.port', port, `port is not valid: ${complaints.join(', ')}`))
  if (spec.insecureSkipTLSVerify && spec.caBundle)
    faults.push(invalidValue('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'))
}

export const apiService = defineKind<APIService>(resource, {
  generation: false,
  requireResourceVersion: true,
  validateName: nameIsPathSegment,
  prepareForCreate: (next, { now }) => {
    const { status: _, ...rest } = next
    if (next.spec.service) return rest
    const local = {
      type: 'Available',
      status: 'True',
      lastTransitionTime: now,
      reason: 'Local',
      message: 'Local APIServices are always available',
    }
    return { ...rest, status: { conditions: [local] } }
  },
  validate: (next) =>
    collect((faults) => {
      checkName(faults, next)
      checkSpec(faults, next.spec)
    }),
  ignoredFields: { status: ['spec', 'metadata'] },
  subresources: {
    status: {
      prepareForUpdate: (next, old) => withOldMetadata({ ...next, spec: old.spec }, old),
      validateUpdate: ({ status }) =>
        collect((faults) => {
          status?.conditions?.forEach((condition, index) => {
            if (!statuses.includes(condition.status))
              faults.push(notSupported(`status.conditions[${index}].status`, condition.status ?? '', statuses))
          })
        }),
    },
  },
})
