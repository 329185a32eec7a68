import type { Node } from '@skiff/api'

interface Placed {
  readonly slot: number
  readonly node: Node
}

const zoneOf = ({ node }: Placed): string => {
  const labels = node.metadata.labels ?? {}
  // As upstream: the names of old count before those of today.
  const labelled = (name: string) => labels[`failure-domain.beta.kubernetes.io/${name}`] ?? labels[`topology.kubernetes.io/${name}`] ?? ''
  const [region, zone] = [labelled('region'), labelled('zone')]
  return `${region}:\u0000:${zone}`
}

/** Slots with the zones taking turns, so that the part of the nodes that a cycle looks at spans all zones. */
export const interleaveZones = (nodes: readonly Placed[]): number[] => {
  const zones = new Map<string, number[]>()
  for (const info of nodes) {
    const zone = zoneOf(info)
    const slots = zones.get(zone)
    if (slots) slots.push(info.slot)
    else zones.set(zone, [info.slot])
  }
  const lists = [...zones.values()]
  const order: number[] = []
  for (let at = 0; order.length < nodes.length; at += 1)
    for (const list of lists) {
      const slot = list[at]
      if (slot !== undefined) order.push(slot)
    }
  return order
}
