import { buildBuiltins, type Kind } from '@skiff/api'
import type { Identity } from '@skiff/client'
import { systemEnv } from '@skiff/machinery'
import { openMemoryStore } from '@skiff/store'
import { expect, test } from 'vitest'
import type { Attributes } from '../authorize.ts'
import { openStorage } from '../registry/storage.ts'
import { createRbac } from './rbac.ts'

const { kinds } = buildBuiltins()
const kindOf = (plural: string): Kind => kinds.find((kind) => kind.group === 'rbac.authorization.k8s.io' && kind.plural === plural) as Kind
const jane: Identity = { name: 'jane', groups: ['system:authenticated'] }
const asks = (namespace: string): Attributes => ({
  identity: jane,
  verb: 'get',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace,
  name: 'a',
})

test('an identity that was asked about before gains and loses rights with the objects, by namespace', async () => {
  const storage = await openStorage(openMemoryStore(), systemEnv())
  const [roles, roleBindings, clusterRoles, clusterRoleBindings] = (await Promise.all(
    ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'].map((plural) => storage.cache(kindOf(plural))),
  )) as [never, never, never, never]
  const rbac = createRbac({ roles, roleBindings, clusterRoles, clusterRoleBindings })
  const put = (plural: string, key: string, more: object) => {
    const [name, namespace] = key.split('/').reverse()
    return storage.put(
      kindOf(plural),
      key,
      { metadata: { name, ...(namespace ? { namespace } : {}), uid: key }, ...more } as never,
      'absent',
    )
  }
  const may = (namespace: string) => rbac.authorize(asks(namespace)).allowed
  expect(may('one')).toBe(false)

  await put('clusterroles', 'reader', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] })
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' }
  const subjects = [{ kind: 'User', name: 'jane' }]
  await put('rolebindings', 'one/reads', { roleRef, subjects })
  // Another question builds the index anew before the first is asked again.
  expect(rbac.covers('/reader', asks('one'))).toBe(true)
  expect([may('one'), may('two')]).toEqual([true, false])
  expect(rbac.rulesFor(jane, 'one')).toHaveLength(1)

  await put('clusterrolebindings', 'reads', { roleRef, subjects: [{ kind: 'Group', name: 'system:authenticated' }] })
  expect(may('two')).toBe(true)
  await storage.remove(kindOf('clusterroles'), 'reader', (await storage.cache(kindOf('clusterroles'))).revision)
  expect([may('one'), may('two')]).toEqual([false, false])
  await storage.close()
})
