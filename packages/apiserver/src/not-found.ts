import { removalOf } from '@skiff/api'
import type { Call } from '@skiff/client'
import { Refusal } from '@skiff/machinery'
import type { Registry } from './registry/registry.ts'

export const notFoundHere = (): Refusal => new Refusal(404, 'NotFound', 'the server could not find the requested resource', {})

/** The same, for a version that nobody serves: one that upstream removed says how it can be had. */
export const notServed = (apiVersion: string): Refusal => {
  const why = removalOf(apiVersion)
  return why ? new Refusal(404, 'NotFound', `the server could not find the requested resource (${why})`, {}) : notFoundHere()
}

const pages = new WeakSet<Refusal>()

/** True for what upstream says on a page in plain words, since no router knows the path at all. */
export const isPageNotFound = (refusal: Refusal): boolean => pages.has(refusal)

/** A page, not a Status: what upstream says where no handler takes a path. */
export const pageMissing = (): Refusal => {
  const refusal = notFoundHere()
  pages.add(refusal)
  return refusal
}

/** Of a resource that nobody serves: a page where its group has no built-in kinds, for a router has those alone. */
export const unknownResource = (registry: Registry, { group, version }: Pick<Call, 'group' | 'version'>): Refusal => {
  const refusal = notServed(group === '' ? version : `${group}/${version}`)
  const routed = group === '' || registry.all().some((kind) => !kind.custom && kind.group === group)
  if (!routed && removalOf(`${group}/${version}`) === undefined) pages.add(refusal)
  return refusal
}
