import type { Conversion } from '../conversion.ts'
import type { ResourceFacts } from '../facts.ts'
import { resourceKey } from '../resource.ts'

/**
 * Versions of one resource that differ in name alone: served beside each other, they are stored as the first of the facts, which is the
 * one that discovery prefers. Which that is may change with the runtime config, since stored objects are read in any of them.
 */
export const siblingOf = (
  facts: ResourceFacts,
  served: readonly ResourceFacts[],
): { readonly storedAs: string; readonly conversion: Conversion } | undefined => {
  const first = served.find((each) => each.group === facts.group && each.plural === facts.plural)
  if (!first || first.version === facts.version) return undefined
  const named =
    ({ group, version }: ResourceFacts): Conversion['toStored'] =>
    (object) => ({ ...object, apiVersion: `${group}/${version}` })
  return { storedAs: resourceKey(first), conversion: { toStored: named(first), fromStored: named(facts) } }
}
