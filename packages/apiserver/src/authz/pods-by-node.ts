import type { Pod } from '@skiff/api'
import type { Cache } from '../registry/cache.ts'
import type { Entry } from '../registry/entry.ts'
import { entriesOf } from '../registry/tree.ts'

const nodeOf = (entry: Entry | undefined): string => (entry?.object as Pod | undefined)?.spec.nodeName ?? ''

/** The pods of each node, kept as pods come and go: a node has few, a namespace may have very many. */
export const podsByNode = (pods: Cache): ((node: string) => Iterable<Pod>) => {
  const byNode = new Map<string, Map<string, Entry>>()
  const put = (entry: Entry): void => {
    const node = nodeOf(entry)
    if (node === '') return
    const held = byNode.get(node)
    if (held) held.set(entry.key, entry)
    else byNode.set(node, new Map([[entry.key, entry]]))
  }
  const remove = (entry: Entry): void => {
    const held = byNode.get(nodeOf(entry))
    held?.delete(entry.key)
    if (held?.size === 0) byNode.delete(nodeOf(entry))
  }
  for (const entry of entriesOf(pods.tree, '')) put(entry)
  pods.listeners.add((events) => {
    for (const { before, after } of events) {
      if (before && (!after || nodeOf(before) !== nodeOf(after))) remove(before)
      if (after) put(after)
    }
  })
  return function* (node) {
    for (const { object } of byNode.get(node)?.values() ?? []) yield object as Pod
  }
}
