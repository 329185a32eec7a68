import type { Container, Pod } from '@skiff/api'

const podKey = 'seccomp.security.alpha.kubernetes.io/pod'
const containerPrefix = 'container.seccomp.security.alpha.kubernetes.io/'

/** Whether an update of a pod changes what the standards look at: of what may change, images, profiles in annotations and new containers. */
export const isSignificant = (next: Pod, old: Pod): boolean => {
  const noted = (pod: Pod, key: string): string | undefined => pod.metadata.annotations?.[key]
  const differs = (one: Pick<Container, 'name' | 'image'>, other: Pick<Container, 'image'> | undefined): boolean =>
    one.image !== other?.image || noted(next, `${containerPrefix}${one.name}`) !== noted(old, `${containerPrefix}${one.name}`)
  if (noted(next, podKey) !== noted(old, podKey)) return true
  for (const list of ['containers', 'initContainers'] as const) {
    const [now, then] = [next.spec[list] ?? [], old.spec[list] ?? []]
    if (now.length !== then.length || now.some((each, index) => differs(each, then[index]))) return true
  }
  const held = new Map((old.spec.ephemeralContainers ?? []).map((each) => [each.name, each]))
  return (next.spec.ephemeralContainers ?? []).some((each) => !held.has(each.name) || differs(each, held.get(each.name)))
}
