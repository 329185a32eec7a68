import type { CSINode, Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '@skiff/api'

export type Labels = Readonly<Record<string, string>>

/** Everything that a placement is judged by. */
export interface ClusterFacts {
  readonly nodes: readonly Node[]
  /** With spec.nodeName. */
  readonly placed: readonly Pod[]
  readonly namespaces: ReadonlyMap<string, Labels>
  /** By namespace/name. */
  readonly claims: ReadonlyMap<string, PersistentVolumeClaim>
  readonly volumes: ReadonlyMap<string, PersistentVolume>
  readonly classes: ReadonlyMap<string, StorageClass>
  /** By the node's name. */
  readonly csiNodes: ReadonlyMap<string, CSINode>
}

/** One rule: what is wrong with `pod` going to `node`, '' for nothing. */
export type Rule = (pod: Pod, node: Node, facts: ClusterFacts) => string

export const labelOf = (node: Node | undefined, key: string): string | undefined => node?.metadata.labels?.[key]
export const nodeNamed = ({ nodes }: ClusterFacts, name: string | undefined): Node | undefined =>
  nodes.find((each) => each.metadata.name === name)
export const besides = ({ placed }: ClusterFacts, { metadata }: Node): Pod[] =>
  placed.filter((other) => other.spec.nodeName === metadata.name)
