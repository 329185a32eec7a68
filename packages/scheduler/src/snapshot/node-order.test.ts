import { expect, test } from 'vitest'
import { nodeOf } from '../testing/objects.ts'
import { interleaveZones } from './node-order.ts'

test('zones take turns; a name of old counts before the one of today', () => {
  const today = 'topology.kubernetes.io/zone'
  const old = 'failure-domain.beta.kubernetes.io/zone'
  const zones: Record<string, string>[] = [{ [today]: 'a' }, { [today]: 'a' }, { [today]: 'a', [old]: 'b' }, { [old]: 'b' }, {}]
  const nodes = zones.map((labels, slot) => ({ slot, node: nodeOf(`n${slot}`, { labels }) }))
  expect(interleaveZones(nodes)).toEqual([0, 2, 4, 1, 3])
})
