import type { Node } from '@skiff/api'
import { rfc3339, seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { upstreamHealth } from './health.ts'
import { assess, createZones } from './zones.ts'

const startMs = Date.UTC(2025, 0, 1)

test.each([1, 2, 3, 4])('seed %i: zones kept by change are as zones counted anew', (seed) => {
  const random = seededRandom(seed)
  const pick = (count: number) => Math.floor(random() * count)
  const zones = createZones()
  const held = new Map<string, Node>()
  const draw = (name: string): Node => {
    const taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: rfc3339(startMs + pick(50) * 1_000) }
    return {
      metadata: { name, labels: { 'topology.kubernetes.io/zone': `z${pick(3)}` } },
      spec: { taints: random() < 0.3 ? [taint] : [] },
      status: { conditions: [{ type: 'Ready', status: random() < 0.4 ? 'True' : 'Unknown' }] },
    } as unknown as Node
  }
  for (let round = 0; round < 600; round += 1) {
    const name = `n${pick(70)}`
    const node = random() < 0.25 ? undefined : draw(name)
    if (node) held.set(name, node)
    else held.delete(name)
    // Some go while nobody tells.
    if (node || random() < 0.5) zones.set(name, node)
    zones.keep(held)
    const [kept, anew] = [zones.disruption(), assess(held.values())]
    expect(kept.isTotal).toBe(anew.isTotal)
    for (const each of held.values()) expect(kept.mayTaintAtMs(each)).toBe(anew.mayTaintAtMs(each))
    const silent = [...held.values()].filter(({ status }) => status?.conditions?.[0]?.status !== 'True')
    expect([...zones.silent].sort()).toEqual(silent.map(({ metadata }) => metadata.name).sort())
  }
})

test('the pace at which lost nodes are given up, and when a zone is one that is mostly down, can be set', () => {
  const startedMs = startMs + 10_000
  const node = (name: string, ready: boolean, tainted = false) =>
    ({
      metadata: { name, labels: { 'topology.kubernetes.io/zone': 'z' } },
      spec: tainted ? { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: rfc3339(startedMs) }] } : {},
      status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
    }) as unknown as Node
  const all = [node('a', true), node('b', false, true), node('c', false), node('d', false)]
  const mayMs = (pace: Partial<typeof upstreamHealth>): number | undefined => {
    const zones = createZones({ ...upstreamHealth, ...pace })
    for (const each of all) zones.set(each.metadata.name, each)
    return zones.disruption().mayTaintAtMs(all[2] as Node)
  }
  expect(mayMs({})).toBeUndefined()
  expect(mayMs({ unhealthyShare: 0.8 })).toBe(startedMs + 10_000)
  expect(mayMs({ unhealthyShare: 0.8, evictionsPerSecond: 2 })).toBe(startedMs + 500)
  expect(mayMs({ unhealthyShare: 0.8, evictionsPerSecond: 0 })).toBeUndefined()
  expect(mayMs({ largeZone: 3 })).toBe(startedMs + 100_000)
  expect(mayMs({ largeZone: 3, secondaryEvictionsPerSecond: 1 })).toBe(startedMs + 1_000)
})

test('nodes with the label that leaves them out say nothing of their zone', () => {
  const of = (name: string, status: string, labels = {}): Node =>
    ({ metadata: { name, labels }, spec: {}, status: { conditions: [{ type: 'Ready', status }] } }) as unknown as Node
  const silent = (labels: object) => ['a', 'b', 'c'].map((name) => of(name, 'Unknown', labels))
  const well = of('d', 'True')
  expect(assess([...silent({}), well]).mayTaintAtMs(well)).toBeUndefined()
  expect(assess([...silent({ 'node.kubernetes.io/exclude-disruption': '' }), well]).mayTaintAtMs(well)).toBe(10_000)
})
