import { expect, test } from 'vitest'
import type { Dynamic } from '../objects/fields.ts'
import { type DrainRules, planDrain } from './pods-to-delete.ts'

const careful: DrainRules = { force: false, ignoreDaemonSets: false, deleteEmptyDirData: false, skipDeletedSeconds: 0 }
const env = { now: () => Date.parse('2030-01-01T00:10:00Z') }
const owned = (kind: string) => [{ apiVersion: 'apps/v1', kind, name: 'o', uid: 'u', controller: true }]
const pod = (name: string, metadata: object = {}, rest: object = {}) =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', ...metadata }, ...rest }) as unknown as Dynamic
const scratch = { spec: { volumes: [{ name: 'v', emptyDir: {} }] } }
const names = (pods: readonly Dynamic[]) => pods.map(({ metadata }) => metadata.name)
const plan = (pods: Dynamic[], rules: Partial<DrainRules> = {}, missing?: string) =>
  planDrain(pods, { ...careful, ...rules }, () => missing, env)

test('a pod with a controller goes, one without needs --force', () => {
  const pods = [pod('a', { ownerReferences: owned('ReplicaSet') }), pod('b')]
  expect(names(plan(pods).goes)).toEqual(['a'])
  expect(plan(pods).errors).toEqual(['cannot delete cannot delete Pods that declare no controller (use --force to override): default/b'])
  const forced = plan(pods, { force: true })
  expect(names(forced.goes)).toEqual(['a', 'b'])
  expect(forced.warnings).toBe('deleting Pods that declare no controller: default/b')
})

test('pods of a DaemonSet stay, pods of a lost one go by force', () => {
  const pods = [pod('a', { ownerReferences: owned('DaemonSet') }), pod('b', { ownerReferences: owned('DaemonSet') })]
  expect(plan(pods).errors).toEqual(['cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/a, default/b'])
  const ignored = plan(pods, { ignoreDaemonSets: true })
  expect(ignored).toEqual({ goes: [], errors: [], warnings: 'ignoring DaemonSet-managed Pods: default/a, default/b' })
  expect(names(plan(pods, { force: true }, 'daemonsets.apps "o" not found').goes)).toEqual(['a', 'b'])
})

test('scratch space keeps a pod unless it is given up or the pod is over', () => {
  const managed = { ownerReferences: owned('ReplicaSet') }
  expect(plan([pod('a', managed, scratch)]).errors).toEqual([
    'cannot delete Pods with local storage (use --delete-emptydir-data to override): default/a',
  ])
  expect(names(plan([pod('a', managed, scratch)], { deleteEmptyDirData: true }).goes)).toEqual(['a'])
  expect(names(plan([pod('a', {}, { ...scratch, status: { phase: 'Succeeded' } })]).goes)).toEqual(['a'])
})

test('mirror pods and pods long in deletion are passed over in silence', () => {
  const mirror = pod('a', { annotations: { 'kubernetes.io/config.mirror': 'x' } })
  const old = pod('b', { deletionTimestamp: '2030-01-01T00:00:00Z' })
  expect(plan([mirror, old], { skipDeletedSeconds: 60 })).toEqual({ goes: [], errors: [], warnings: '' })
})
