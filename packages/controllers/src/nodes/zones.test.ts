import type { Node } from '@skiff/api'
import { rfc3339, seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
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
