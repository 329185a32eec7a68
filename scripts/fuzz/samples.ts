import { buildBuiltins, type Kind } from '@skiff/api'
import { sample } from '../../packages/api/src/testing/sample.ts'

/** The built-in kinds, made once. */
export const { kinds, schemaOf } = buildBuiltins()

const sampled = ['Pod', 'Deployment', 'Service', 'ConfigMap', 'Secret', 'Job', 'Node', 'ClusterRole', 'Ingress', 'CustomResourceDefinition']

/** The kinds that inputs are made of. */
export const sampleKinds: readonly Kind[] = kinds.filter(
  (kind, at) => sampled.includes(kind.kind) && kinds.findIndex((other) => other.kind === kind.kind && other.group === kind.group) === at,
)

export const kindNamed = (name: string): Kind => sampleKinds.find((kind) => kind.kind === name) as Kind

/** A random object of a kind, with its names. */
export const objectOf = (kind: Kind, random: () => number): Record<string, unknown> => ({
  apiVersion: kind.apiVersion,
  kind: kind.kind,
  ...sample(schemaOf(kind.typeName), random, 3),
})
