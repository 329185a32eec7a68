import type { Container, EphemeralContainer, PodSpec, Volume } from '../../generated/types.ts'

/** What checks of a pod's parts need to know of the whole. */
export interface PodContext {
  readonly spec: PodSpec
  /** A pod itself and not a template. */
  readonly isPod: boolean
  /** '' in templates and while a name is to be generated. */
  readonly podName: string
  /** Volumes without fault, by name. */
  readonly volumes: ReadonlyMap<string, Volume>
  readonly claimNames: ReadonlySet<string>
  /** False: the pod has a user namespace of its own. */
  readonly hostUsers: boolean
}

export type AnyContainer = Container | EphemeralContainer

export const isRestartable = (container: Container): boolean => container.restartPolicy === 'Always'

/** Every container with its path, init containers first, as upstream visits them. */
export const visitContainers = (spec: PodSpec, path: string, visit: (container: AnyContainer, path: string) => void): void => {
  spec.initContainers?.forEach((each, index) => {
    visit(each, `${path}.initContainers[${index}]`)
  })
  spec.containers?.forEach((each, index) => {
    visit(each, `${path}.containers[${index}]`)
  })
  spec.ephemeralContainers?.forEach((each, index) => {
    visit(each, `${path}.ephemeralContainers[${index}]`)
  })
}
