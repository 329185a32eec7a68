import type { Container, PodSpec } from '@skiff/api'

/** A pod, or the template of pods. */
export interface PodLike {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: PodSpec
}

/** What a check has against a pod: in a word or two, and which part of the pod. */
export interface Violation {
  readonly reason: string
  readonly detail: string
}

export type PodCheck = (pod: PodLike) => Violation | undefined

/** One rule of the standards, which newer minor versions of 1.x may ask otherwise. */
export interface Check {
  readonly id: string
  /** By rising version; each holds until the next. */
  readonly versions: readonly (readonly [since: number, check: PodCheck])[]
  /** Checks of the baseline that this one of the restricted level stands for. */
  readonly overrides?: readonly string[]
}

type Secured = Pick<Container, 'name' | 'securityContext' | 'ports'>

/** Containers of all sorts, in upstream's order. */
export const containersOf = ({ spec }: PodLike): readonly Secured[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
  ...(spec.ephemeralContainers ?? []),
]

export const quotedList = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ')

/** `container "a"`, `containers "a", "b"`. */
export const counted = (word: string, names: readonly string[]): string => `${word}${names.length === 1 ? '' : 's'} ${quotedList(names)}`

/** `pod and container "a"`: who sets something that may not be set. */
export const settersText = (pod: boolean, containers: readonly string[]): string =>
  [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [counted('container', containers)] : [])].join(' and ')

export const sorted = (values: Iterable<string>): readonly string[] => [...new Set(values)].sort()

export const isWindows = ({ spec }: PodLike): boolean => spec.os?.name === 'windows'
