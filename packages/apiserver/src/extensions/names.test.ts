import type { CustomResourceDefinition } from '@skiff/api'
import { expect, test } from 'vitest'
import { planStatus } from './names.ts'

const free = { resources: new Set<string>(), kinds: new Set<string>() }
const conditions = (group: string, approval?: string) => {
  const annotations = approval === undefined ? {} : { 'api-approved.kubernetes.io': approval }
  const names = { plural: 'widgets', kind: 'Widget' }
  const definition = { metadata: { name: `widgets.${group}`, annotations }, spec: { group, names } } as unknown as CustomResourceDefinition
  return planStatus(definition, free, '2026-01-01T00:00:00Z')?.conditions?.map(({ type, status, reason, message }) => [
    type,
    status,
    reason,
    message,
  ])
}

test('definitions in groups of the project say whether somebody approved of them', () => {
  const type = 'KubernetesAPIApprovalPolicyConformant'
  expect(conditions('example.com')?.map(([name]) => name)).toEqual(['NamesAccepted', 'Established'])
  const url = 'https://github.com/kubernetes/kubernetes/pull/78458'
  expect(conditions('x.k8s.io', url)?.[2]).toEqual([type, 'True', 'ApprovedAnnotation', `approved in ${url}`])
  expect(conditions('x.k8s.io', 'unapproved, a trial')?.[2]).toEqual([
    type,
    'False',
    'UnapprovedAnnotation',
    'not approved: "unapproved, a trial"',
  ])
  expect(conditions('x.kubernetes.io')?.[2]?.slice(0, 3)).toEqual([type, 'False', 'MissingAnnotation'])
  expect(conditions('kubernetes.io', 'yes')?.[2]?.slice(0, 3)).toEqual([type, 'False', 'InvalidAnnotation'])
})

test('a definition with names of its own is installed, then established, and stays so', () => {
  const definition = (status: object) =>
    ({ metadata: { name: 'widgets.x.io' }, spec: { group: 'x.io', names: { plural: 'widgets', kind: 'Widget' } }, status }) as never
  const told = (status: unknown) =>
    (status as CustomResourceDefinition['status'])?.conditions?.map(({ type, status: value, reason }) => `${type}=${value} ${reason}`)
  const first = planStatus(definition({}), free, '2026-01-01T00:00:00Z')
  expect(told(first)).toEqual(['NamesAccepted=True NoConflicts', 'Established=False Installing'])
  const second = planStatus(definition(first as object), free, '2026-01-01T00:00:00Z')
  expect(told(second)).toEqual(['NamesAccepted=True NoConflicts', 'Established=True InitialNamesAccepted'])
  const taken = { resources: new Set<string>(), kinds: new Set(['Widget']) }
  expect(told(planStatus(definition({}), taken, '2026-01-01T00:00:00Z'))).toEqual([
    'NamesAccepted=False KindConflict',
    'Established=False NotAccepted',
  ])
})
