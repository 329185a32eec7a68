import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  nameIsPathSegment,
  notSupported,
  quoted,
  repeats,
  required,
} from '@skiff/machinery'
import { differences } from '../checks/diff.ts'
import { collect, type Faults, invalidShown, same } from '../checks/faults.ts'
import { checkSignerName } from '../checks/signer-name.ts'
import { certificateSigningRequest as resource } from '../generated/resources.ts'
import type {
  CertificateSigningRequestCondition as Condition,
  CertificateSigningRequest as Csr,
  CertificateSigningRequestSpec as Spec,
} from '../generated/types.ts'
import { defineKind, type StrategyContext } from '../kind.ts'
import { certificateFault, requestFault } from './signing-request.ts'

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]
const shortest = 600
const decisions = ['Approved', 'Denied'] as const
/** These are never False: they are there or not. */
const lasting = [...decisions, 'Failed']

/** Upstream prints bytes as Go does. */
const goBytes = (bytes: Buffer): string =>
  bytes.length === 0 ? '[]byte(nil)' : `[]byte{${[...bytes].map((byte) => `0x${byte.toString(16)}`).join(', ')}}`

const checkSpec = (faults: Faults, spec: Spec): void => {
  const request = Buffer.from(spec.request ?? '', 'base64')
  const fault = requestFault(request)
  if (fault) faults.push(invalidShown('spec.request', spec.request === '' ? '[]byte{}' : goBytes(request), fault))
  if (!spec.usages?.length) faults.push(required('spec.usages', 'usages must be provided'))
  spec.usages?.forEach((usage, index) => {
    if (!usages.includes(usage)) faults.push(notSupported(`spec.usages[${index}]`, usage, usages))
  })
  const again = repeats(spec.usages ?? [])
  spec.usages?.forEach((usage, index) => {
    if (again.has(index)) faults.push(duplicate(`spec.usages[${index}]`, usage))
  })
  if (spec.signerName === 'kubernetes.io/legacy-unknown')
    faults.push(invalidValue('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version'))
  else checkSignerName(faults, spec.signerName ?? '', 'spec.signerName')
  const seconds = spec.expirationSeconds
  if (seconds !== undefined && seconds < shortest)
    faults.push(invalidValue('spec.expirationSeconds', seconds, `may not specify a duration less than ${shortest} seconds (10 minutes)`))
}

const checkStatus = (faults: Faults, { status }: Csr): void => {
  const conditions = status?.conditions ?? []
  conditions.forEach((condition, index) => {
    const path = `status.conditions[${index}]`
    const { type = '', status: value = '' } = condition
    if (type === '') faults.push(required(`${path}.type`))
    const allowed = lasting.includes(type) ? ['True'] : ['False', 'True', 'Unknown']
    if (value === '') faults.push(required(`${path}.status`))
    else if (!allowed.includes(value)) faults.push(notSupported(`${path}.status`, value, allowed))
    const earlier = conditions.slice(0, index).map((each) => each.type)
    const opposite = { Approved: 'Denied', Denied: 'Approved' }[type]
    if (opposite && earlier.includes(opposite))
      faults.push(invalidValue(`${path}.type`, type, 'Approved and Denied conditions are mutually exclusive'))
    if (earlier.includes(type)) faults.push(duplicate(`${path}.type`, type))
  })
  const fault = certificateFault(Buffer.from(status?.certificate ?? '', 'base64'))
  if (fault) faults.push(invalidValue('status.certificate', '<certificate data>', fault))
}

const ofType = ({ status }: Csr, type: string): readonly Condition[] => status?.conditions?.filter((each) => each.type === type) ?? []

interface May {
  readonly decide?: boolean
  readonly issue?: boolean
}

const checkUpdate = (next: Csr, old: Csr, { decide, issue }: May): readonly FieldError[] =>
  collect((faults) => {
    // What was let in by an older version of the API, or of the server, is not held against an update.
    if (!same(next.spec, old.spec)) checkSpec(faults, next.spec)
    checkStatus(faults, next)
    const path = 'status.conditions'
    for (const type of lasting)
      if (ofType(next, type).length < ofType(old, type).length)
        faults.push(forbiddenField(path, `updates may not remove a condition of type ${quoted(type)}`))
    if (!decide) for (const type of decisions) checkUndecided(faults, ofType(next, type), ofType(old, type), type)
    if ((next.status?.certificate ?? '') === (old.status?.certificate ?? '')) return
    if (!issue) faults.push(forbiddenField('status.certificate', 'updates may not set certificate content'))
    else if (old.status?.certificate)
      faults.push(forbiddenField('status.certificate', 'updates may not modify existing certificate content'))
  })

const checkUndecided = (faults: Faults, next: readonly Condition[], old: readonly Condition[], type: string): void => {
  const path = 'status.conditions'
  if (next.length > old.length) faults.push(forbiddenField(path, `updates may not add a condition of type ${quoted(type)}`))
  else if (next.length === old.length && !same(next, old))
    faults.push(forbiddenField(path, `updates may not modify a condition of type ${quoted(type)}\n${differences(old, next)}`))
}

const withTimes = (conditions: readonly Condition[] | undefined, old: Csr, now: string): readonly Condition[] | undefined =>
  conditions?.map((condition) => {
    const before = old.status?.conditions?.find(({ type, status, lastTransitionTime }) => {
      return type === condition.type && status === condition.status && lastTransitionTime !== undefined
    })
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? before?.lastTransitionTime ?? now,
    }
  })

/** Decisions stay as they were where the update has as many of them. */
const withOldDecisions = (next: Csr, old: Csr): readonly Condition[] | undefined => {
  let conditions = next.status?.conditions
  for (const type of decisions) {
    const kept = [...ofType(old, type)]
    if (kept.length !== ofType(next, type).length) continue
    conditions = conditions?.map((each) => (each.type === type ? (kept.shift() ?? each) : each))
  }
  return conditions
}

const withConditions = (status: Csr['status'], conditions: readonly Condition[] | undefined): NonNullable<Csr['status']> => {
  const { conditions: _, ...rest } = status ?? {}
  return conditions?.length ? { ...rest, conditions } : rest
}

/** Who asks is for the server to say. */
const withCaller = (next: Csr, { identity, userName }: StrategyContext): Csr => {
  const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...spec } = next.spec
  const { uid, groups = [], extra } = identity ?? {}
  return {
    ...next,
    spec: {
      ...spec,
      ...(userName ? { username: userName } : {}),
      ...(uid ? { uid } : {}),
      ...(groups.length > 0 ? { groups } : {}),
      ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
    },
  }
}

export const certificateSigningRequest = defineKind<Csr>(resource, {
  generation: false,
  validateName: nameIsPathSegment,
  prepareForCreate: withCaller,
  prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
  validate: (next) =>
    collect((faults) => {
      checkSpec(faults, next.spec)
      checkStatus(faults, next)
    }),
  validateUpdate: (next, old) => checkUpdate(next, old, {}),
  ignoredFields: { approval: ['spec', 'status.certificate'] },
  subresources: {
    status: {
      prepareForUpdate: (next, old, { now }) => ({
        ...next,
        spec: old.spec,
        status: withConditions(next.status, withTimes(withOldDecisions(next, old), old, now)),
      }),
      validateUpdate: (next, old) => checkUpdate(next, old, { issue: true }),
    },
    approval: {
      prepareForUpdate: (next, old, { now }) => ({
        ...next,
        spec: old.spec,
        status: withConditions(old.status, withTimes(next.status?.conditions, old, now)),
      }),
      validateUpdate: (next, old) => checkUpdate(next, old, { decide: true }),
    },
  },
})
