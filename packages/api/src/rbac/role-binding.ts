import { nameIsDnsSubdomain, nameIsPathSegment, notSupported, quoted, required } from '@skiff/machinery'
import { addInvalid, collect, type Faults, invalidShown, same } from '../checks/faults.ts'
import { mapSame, withField } from '../defaults/patch.ts'
import { clusterRoleBinding as clusterRoleBindingResource, roleBinding as roleBindingResource } from '../generated/resources.ts'
import type { ClusterRoleBinding, RoleBinding, RoleRef, Subject } from '../generated/types.ts'
import type { Behaviour } from '../kind.ts'
import { defineKind } from '../kind.ts'

const group = 'rbac.authorization.k8s.io'
type Binding = RoleBinding | ClusterRoleBinding

const defaultBinding = <T extends Binding>(binding: T): T => {
  let next = binding
  if (!next.roleRef?.apiGroup) next = { ...next, roleRef: { ...next.roleRef, apiGroup: group } }
  return next.subjects ? withField(next, 'subjects', mapSame(next.subjects, defaultSubject) as T['subjects']) : next
}

const defaultSubject = (subject: Subject): Subject =>
  !subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group') ? { ...subject, apiGroup: group } : subject

const checkBinding = (faults: Faults, { roleRef, subjects }: Binding, namespaced: boolean): void => {
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']
  const { apiGroup = '', kind = '', name = '' } = roleRef ?? {}
  if (apiGroup !== group) faults.push(notSupported('roleRef.apiGroup', apiGroup, [group]))
  if (!kinds.includes(kind)) faults.push(notSupported('roleRef.kind', kind, kinds))
  if (name === '') faults.push(required('roleRef.name'))
  else addInvalid(faults, nameIsPathSegment(name, false), name, 'roleRef.name')
  subjects?.forEach((subject, index) => {
    checkSubject(faults, subject, namespaced, `subjects[${index}]`)
  })
}

const checkSubject = (faults: Faults, subject: Subject, namespaced: boolean, path: string): void => {
  const { kind = '', name = '', apiGroup = '', namespace = '' } = subject
  if (name === '') faults.push(required(`${path}.name`))
  if (kind === 'ServiceAccount') {
    if (name !== '') addInvalid(faults, nameIsDnsSubdomain(name, false), name, `${path}.name`)
    if (apiGroup !== '') faults.push(notSupported(`${path}.apiGroup`, apiGroup, ['']))
    if (!namespaced && namespace === '') faults.push(required(`${path}.namespace`))
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== group) faults.push(notSupported(`${path}.apiGroup`, apiGroup, [group]))
  } else faults.push(notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group']))
}

const shownRef = ({ apiGroup = '', kind = '', name = '' }: RoleRef): string =>
  `rbac.RoleRef{APIGroup:${quoted(apiGroup)}, Kind:${quoted(kind)}, Name:${quoted(name)}}`

const bindingBehaviour = <T extends Binding>(namespaced: boolean): Behaviour<T> => ({
  generation: false,
  allowCreateOnUpdate: true,
  validateName: nameIsPathSegment,
  default: defaultBinding,
  createChecksOnUpdate: 2,
  validate: (next) => collect((faults) => checkBinding(faults, next, namespaced)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      // Who is bound may change; to what, never: it would hand on the grants.
      if (!same(next.roleRef, old.roleRef)) faults.push(invalidShown('roleRef', shownRef(next.roleRef), 'cannot change roleRef'))
    }),
})

export const roleBinding = defineKind<RoleBinding>(roleBindingResource, bindingBehaviour(true))
export const clusterRoleBinding = defineKind<ClusterRoleBinding>(clusterRoleBindingResource, bindingBehaviour(false))
