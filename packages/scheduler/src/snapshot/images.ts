import type { Node } from '@skiff/api'

/** Which images lie on how many nodes. */
export interface Images {
  /** Undefined when no node has it. */
  spread(name: string): { readonly nodes: number } | undefined
  changed(before: Node | undefined, after: Node | undefined): void
}

export const createImages = (): Images => {
  const nodes = new Map<string, { nodes: number }>()
  const count = (node: Node | undefined, by: 1 | -1): void => {
    // Once a node, however often it lists the name.
    for (const name of new Set(node?.status?.images?.flatMap(({ names }) => names ?? []))) {
      const held = nodes.get(name)
      if (held) held.nodes += by
      else nodes.set(name, { nodes: by })
      if (nodes.get(name)?.nodes === 0) nodes.delete(name)
    }
  }
  return {
    spread: (name) => nodes.get(name),
    changed: (before, after) => {
      if (before?.status?.images === after?.status?.images) return
      count(after, 1)
      count(before, -1)
    },
  }
}
