import {
  type FieldError,
  forbiddenField,
  invalidValue,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  notSupported,
  quoted,
  required,
} from '@skiff/machinery'
import { addInvalid, collect, type Faults, invalidShown, same } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { flowSchema as resource } from '../generated/resources.ts'
import type {
  FlowcontrolV1Subject,
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { withOldMetadata } from '../prepare.ts'
import { checkFlowConditions } from './conditions.ts'

const lowestPrecedence = 10_000
const defaultPrecedence = 1000
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']

const everything = (groups: readonly string[]): readonly PolicyRulesWithSubjects[] => [
  {
    subjects: groups.map((name) => ({ kind: 'Group', group: { name } })),
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  },
]
/** What the server relies on. */
const mandatory: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: {
    priorityLevelConfiguration: { name: 'exempt' },
    matchingPrecedence: 1,
    rules: everything(['system:masters']),
  },
  'catch-all': {
    priorityLevelConfiguration: { name: 'catch-all' },
    matchingPrecedence: lowestPrecedence,
    distinguisherMethod: { type: 'ByUser' },
    rules: everything(['system:unauthenticated', 'system:authenticated']),
  },
}

/** NotSupported with a value that Go prints in its own syntax. */
const unsupported = (path: string, shown: string, supported: readonly string[]): FieldError => ({
  reason: 'FieldValueNotSupported',
  field: path,
  body: `Unsupported value: ${shown}: supported values: ${supported.map(quoted).join(', ')}`,
})

const checkSpec = (faults: Faults, spec: FlowSchemaSpec, name: string): void => {
  const { matchingPrecedence: precedence = 0, distinguisherMethod: method } = spec
  const path = 'spec.matchingPrecedence'
  if (precedence <= 0) faults.push(invalidValue(path, precedence, 'must be a positive value'))
  if (precedence > lowestPrecedence) faults.push(invalidValue(path, precedence, `must not be greater than ${lowestPrecedence}`))
  if (precedence === 1 && name !== 'exempt')
    faults.push(invalidValue(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"))
  if (method && method.type !== 'ByNamespace' && method.type !== 'ByUser') {
    const shown = `flowcontrol.FlowDistinguisherMethod{Type:${quoted(method.type ?? '')}}`
    faults.push(unsupported('spec.distinguisherMethod.type', shown, ['ByNamespace', 'ByUser']))
  }
  const level = spec.priorityLevelConfiguration?.name
  if (!level) faults.push(required('spec.priorityLevelConfiguration.name', 'must reference a priority level'))
  else addInvalid(faults, nameIsDnsSubdomain(level, false), level, 'spec.priorityLevelConfiguration.name')
  spec.rules?.forEach((rule, index) => {
    checkRules(faults, rule, `spec.rules[${index}]`)
  })
  const fixed = mandatory[name]
  if (fixed && !same(fixed, spec))
    faults.push(invalidShown('spec', 'flowcontrol.FlowSchemaSpec{}', `spec of '${name}' must equal the fixed value`))
}

const checkRules = (faults: Faults, { subjects, resourceRules, nonResourceRules }: PolicyRulesWithSubjects, path: string): void => {
  if (!subjects?.length) faults.push(required(`${path}.subjects`, 'subjects must contain at least one value'))
  subjects?.forEach((subject, index) => {
    checkSubject(faults, subject, `${path}.subjects[${index}]`)
  })
  if (!resourceRules?.length && !nonResourceRules?.length)
    faults.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'))
  resourceRules?.forEach((rule, index) => {
    checkResourceRule(faults, rule, `${path}.resourceRules[${index}]`)
  })
  nonResourceRules?.forEach((rule, index) => {
    checkNonResourceRule(faults, rule, `${path}.nonResourceRules[${index}]`)
  })
}

/** The field of each kind of subject. */
const subjectFields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const

const checkSubject = (faults: Faults, subject: FlowcontrolV1Subject, path: string): void => {
  const kind = subject.kind ?? ''
  const field = subjectFields[kind as keyof typeof subjectFields]
  if (field === undefined) {
    faults.push(notSupported(`${path}.kind`, kind, ['Group', 'ServiceAccount', 'User']))
    return
  }
  const given = subject[field]
  if (given === undefined) faults.push(required(`${path}.${field}`, `${field} is required when subject kind is '${kind}'`))
  else if (!given.name) faults.push(required(`${path}.${field}.name`))
  else if (field === 'serviceAccount' && given.name !== '*')
    addInvalid(faults, nameIsDnsSubdomain(given.name, false), given.name, `${path}.${field}.name`)
  if (field === 'serviceAccount' && given) checkSubjectNamespace(faults, subject.serviceAccount?.namespace, `${path}.${field}.namespace`)
  for (const [otherKind, other] of Object.entries(subjectFields))
    if (other !== field && subject[other] !== undefined)
      faults.push(forbiddenField(`${path}.${other}`, `${other} is forbidden when subject kind is not '${otherKind}'`))
}

const checkSubjectNamespace = (faults: Faults, namespace: string | undefined, path: string): void => {
  if (!namespace) faults.push(required(path, 'must specify namespace for service account'))
  else addInvalid(faults, nameIsDnsLabel(namespace, false), namespace, path)
}

/** True when the list's items are to be looked at: it has some, and none of them is a star. */
const checkList = (
  faults: Faults,
  list: readonly string[] | undefined,
  path: string,
  none: string,
  what: string,
): list is readonly string[] => {
  if (!list?.length) faults.push(required(path, none))
  else if (list.includes('*')) {
    if (list.length > 1) faults.push(invalidShown(path, goStrings(list), `if '*' is present, must not specify other ${what}`))
  } else return true
  return false
}

const checkVerbs = (faults: Faults, given: readonly string[] | undefined, path: string): void => {
  if (checkList(faults, given, path, 'verbs must contain at least one value', 'verbs') && given.some((verb) => !verbs.includes(verb)))
    faults.push(unsupported(path, goStrings(given), verbs))
}

const checkResourceRule = (faults: Faults, rule: ResourcePolicyRule, path: string): void => {
  checkVerbs(faults, rule.verbs, `${path}.verbs`)
  checkList(faults, rule.apiGroups, `${path}.apiGroups`, 'resource rules must supply at least one api group', 'api groups')
  checkList(faults, rule.resources, `${path}.resources`, 'resource rules must supply at least one resource', 'resources')
  if (!rule.namespaces?.length && rule.clusterScope) return
  const none = 'resource rules that are not cluster scoped must supply at least one namespace'
  const { namespaces } = rule
  if (!checkList(faults, namespaces, `${path}.namespaces`, none, 'namespaces')) return
  namespaces.forEach((namespace, index) => {
    for (const message of nameIsDnsLabel(namespace, false))
      faults.push(
        invalidValue(`${path}.namespaces[${index}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${message}`),
      )
  })
}

const checkNonResourceRule = (faults: Faults, { verbs: given, nonResourceURLs: urls }: NonResourcePolicyRule, path: string): void => {
  checkVerbs(faults, given, `${path}.verbs`)
  const at = `${path}.nonResourceURLs`
  if (!checkList(faults, urls, at, 'nonResourceURLs must contain at least one value', 'non-resource URLs')) return
  urls.forEach((url, index) => {
    const fault = urlFault(url)
    if (fault) faults.push(invalidValue(`${at}[${index}]`, url, fault))
  })
}

const urlFault = (url: string): string | undefined => {
  if (url === '') return 'must not be empty'
  if (url === '/') return undefined
  if (!url.startsWith('/')) return 'must start with slash'
  if (url.includes(' ')) return 'must not contain white-space'
  if (url.includes('//')) return 'must not contain double slash'
  const stars = url.split('*').length - 1
  return stars > 1 || (stars === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined
}

export const flowSchema = defineKind<FlowSchema>(resource, {
  default: (object) =>
    object.spec.matchingPrecedence ? object : { ...object, spec: { ...object.spec, matchingPrecedence: defaultPrecedence } },
  validate: (next) =>
    collect((faults) => {
      checkSpec(faults, next.spec, next.metadata.name ?? '')
      checkFlowConditions(faults, next.status?.conditions)
    }),
  ignoredFields: { status: ['spec', 'metadata'] },
  subresources: {
    status: {
      prepareForUpdate: (next, old) => withOldMetadata({ ...next, spec: old.spec }, old),
      validateUpdate: (next) => collect((faults) => checkFlowConditions(faults, next.status?.conditions)),
    },
  },
})
