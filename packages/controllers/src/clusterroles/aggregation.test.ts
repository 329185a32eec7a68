import { clusterRole } from '@skiff/api'
import { expect, test } from 'vitest'
import { testCluster } from '../testing/cluster.ts'
import { clusterRoleAggregationController } from './aggregation.ts'

const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })

test('a role holds the rules of all that it selects, each once, and follows them', async () => {
  const cluster = testCluster([clusterRoleAggregationController()])
  const make = (name: string, labels: Record<string, string>, rules: object[], more = {}) =>
    cluster.client.create(clusterRole, { metadata: { name, labels }, rules: rules as never, ...more })
  await make('view', {}, [], { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'view' } }] } })
  await make('edit', { to: 'view' }, [], { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'edit' } }] } })
  await make('b', { to: 'view' }, [rule('secrets'), rule('pods')])
  await make('a', { to: 'edit' }, [rule('pods'), rule('nodes')])
  await make('none', {}, [rule('events')])
  await cluster.env.advance(1_000)
  const resources = async (name: string) => (await cluster.client.get(clusterRole, { name })).rules?.flatMap((one) => one.resources ?? [])
  expect(await resources('edit')).toEqual(['pods', 'nodes'])
  expect(await resources('view')).toEqual(['secrets', 'pods', 'nodes'])
  await cluster.client.remove(clusterRole, { name: 'a' })
  await cluster.env.advance(1_000)
  expect(await resources('edit')).toEqual([])
  expect(await resources('view')).toEqual(['secrets', 'pods'])
  await cluster.stop()
})
