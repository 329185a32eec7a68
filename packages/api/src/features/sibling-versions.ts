import type { KubeObject } from '@skiff/machinery'
import type { Conversion } from '../conversion.ts'
import type { ResourceFacts } from '../facts.ts'
import { resourceKey } from '../resource.ts'
import { convertResource } from '../resource-claims/versions.ts'

type Named = Pick<ResourceFacts, 'group' | 'version' | 'plural'>

/** An object of one version of a resource in another. But for resource.k8s.io they differ in name alone. */
const between =
  ({ group, plural }: Named, to: string): ((object: KubeObject) => KubeObject) =>
  (object) => {
    const from = object.apiVersion.slice(object.apiVersion.indexOf('/') + 1)
    return group === 'resource.k8s.io' ? convertResource(plural, object, from, to) : { ...object, apiVersion: `${group}/${to}` }
  }

/**
 * Versions of one resource that are served beside each other are stored as the first of the facts, which is the one that discovery
 * prefers. Which that is may change with the runtime config, so stored objects are read in any of them: see fromOtherVersion.
 */
export const siblingOf = (
  facts: ResourceFacts,
  served: readonly ResourceFacts[],
): { readonly storedAs: string; readonly conversion: Conversion } | undefined => {
  const first = served.find((each) => each.group === facts.group && each.plural === facts.plural)
  if (!first || first.version === facts.version) return undefined
  return {
    storedAs: resourceKey(first),
    conversion: { toStored: between(first, first.version), fromStored: between(facts, facts.version) },
  }
}

/** Reads what was stored while another version was. Undefined for a resource that has only one. */
export const fromOtherVersion = (facts: Named, all: readonly Named[]): ((object: KubeObject) => KubeObject) | undefined =>
  all.some((each) => each.group === facts.group && each.plural === facts.plural && each.version !== facts.version)
    ? between(facts, facts.version)
    : undefined
