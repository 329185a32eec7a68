import { same } from '../../checks/faults.ts'
import { mapSame, withField } from '../../defaults/patch.ts'
import type { AppArmorProfile, Container, Pod } from '../../generated/types.ts'

const prefix = 'container.apparmor.security.beta.kubernetes.io/'

const textOf = ({ type, localhostProfile }: AppArmorProfile): string | undefined => {
  if (type === 'Unconfined') return 'unconfined'
  if (type === 'RuntimeDefault') return 'runtime/default'
  return type === 'Localhost' && localhostProfile !== undefined ? `localhost/${localhostProfile}` : undefined
}

const profileOf = (text: string): AppArmorProfile | undefined => {
  if (text === 'unconfined') return { type: 'Unconfined' }
  if (text === 'runtime/default') return { type: 'RuntimeDefault' }
  const local = text.startsWith('localhost/') ? text.slice('localhost/'.length).trim() : ''
  return local === '' ? undefined : { type: 'Localhost', localhostProfile: local }
}

/** Profiles are a field and, for old node agents, an annotation: each fills in the other. */
export const syncAppArmor = (pod: Pod): Pod => {
  if (pod.spec.os?.name === 'windows') return pod
  const ofPod = pod.spec.securityContext?.appArmorProfile
  const annotations = pod.metadata.annotations ?? {}
  const added: Record<string, string> = {}
  const sync = (container: Container): Container => {
    const key = `${prefix}${container.name}`
    const own = container.securityContext?.appArmorProfile
    if (!Object.hasOwn(annotations, key)) {
      const profile = own ?? ofPod
      const text = profile && textOf(profile)
      if (text !== undefined) added[key] = text
      return container
    }
    const profile = own ? undefined : profileOf(annotations[key] as string)
    if (profile === undefined || same(profile, ofPod)) return container
    return { ...container, securityContext: { ...container.securityContext, appArmorProfile: profile } }
  }
  let { spec } = pod
  if (spec.containers) spec = withField(spec, 'containers', mapSame(spec.containers, sync))
  if (spec.initContainers) spec = withField(spec, 'initContainers', mapSame(spec.initContainers, sync))
  if (Object.keys(added).length === 0) return withField(pod, 'spec', spec)
  return { ...pod, spec, metadata: { ...pod.metadata, annotations: { ...annotations, ...added } } }
}
