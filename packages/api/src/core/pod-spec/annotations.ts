import { forbiddenField, invalidValue, quoted } from '@skiff/machinery'
import type { Faults } from '../../checks/faults.ts'
import { checkDescendingPath } from '../../checks/paths.ts'
import type { PodSpec } from '../../generated/types.ts'
import { visitContainers } from './context.ts'

export type Annotations = Readonly<Record<string, string>>

export const mirrorAnnotation = 'kubernetes.io/config.mirror'
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost'
const seccompOfPod = 'seccomp.security.alpha.kubernetes.io/pod'
const seccompOfContainer = 'container.seccomp.security.alpha.kubernetes.io/'
const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'

/** Annotations that mean something to the server or the node agent. */
export const checkPodAnnotations = (faults: Faults, annotations: Annotations, spec: PodSpec, path: string): void => {
  for (const key in annotations) {
    const value = annotations[key] as string
    if (key === mirrorAnnotation && !spec.nodeName)
      faults.push(invalidValue(`${path}[${key}]`, value, 'must set spec.nodeName if mirror pod annotation is set'))
    if (key === deletionCost && !isDeletionCost(value)) faults.push(invalidValue(`${path}[${key}]`, value, 'must be a 32bit integer'))
    if (key === seccompOfPod || key.startsWith(seccompOfContainer)) checkSeccompText(faults, value, `${path}.${key}`)
    if (key.startsWith(appArmorPrefix)) checkAppArmorText(faults, key, value, spec, `${path}[${key}]`)
  }
}

/** Decimal and canonical: no sign, no leading zero. */
const isDeletionCost = (text: string): boolean => /^(0|-?[1-9]\d*)$/.test(text) && Number(text) >= -(2 ** 31) && Number(text) <= 2 ** 31 - 1

const checkSeccompText = (faults: Faults, profile: string, path: string): void => {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return
  if (profile.startsWith('localhost/')) checkDescendingPath(faults, profile.slice('localhost/'.length), path)
  else faults.push(invalidValue(path, profile, 'must be a valid seccomp profile'))
}

const checkAppArmorText = (faults: Faults, key: string, profile: string, spec: PodSpec, path: string): void => {
  const name = key.slice(appArmorPrefix.length)
  let found = false
  visitContainers(spec, '', (container) => {
    if (container.name === name) found = true
  })
  if (!found) faults.push(invalidValue(path, name, 'container not found'))
  if (profile !== '' && profile !== 'runtime/default' && profile !== 'unconfined' && !profile.startsWith('localhost/'))
    faults.push(invalidValue(path, profile, `invalid AppArmor profile name: ${quoted(profile)}`))
}

/** Annotations that may not come, go or change once the pod is there. */
export const checkAnnotationUpdates = (faults: Faults, next: Annotations, old: Annotations, path: string): void => {
  for (const key in old) {
    if (Object.hasOwn(next, key) && next[key] === old[key]) continue
    if (key.startsWith(appArmorPrefix)) faults.push(forbiddenField(`${path}[${key}]`, 'may not remove or update AppArmor annotations'))
    if (key === mirrorAnnotation) faults.push(forbiddenField(`${path}[${key}]`, 'may not remove or update mirror pod annotation'))
  }
  for (const key in next) {
    if (Object.hasOwn(old, key)) continue
    if (key.startsWith(appArmorPrefix)) faults.push(forbiddenField(`${path}[${key}]`, 'may not add AppArmor annotations'))
    if (key === mirrorAnnotation) faults.push(forbiddenField(`${path}[${key}]`, 'may not add mirror pod annotation'))
  }
}

interface Profile {
  readonly type?: string
  readonly localhostProfile?: string
}

/** Security profiles were annotations once: where a field says the same thing too, they agree. */
export const checkProfilesAgree = (faults: Faults, annotations: Annotations, spec: PodSpec, path: string): void => {
  const podSeccomp = spec.securityContext?.seccompProfile
  if (podSeccomp && annotations[seccompOfPod] !== undefined)
    checkAgrees(faults, 'seccomp', annotations[seccompOfPod] as string, podSeccomp, `${path}.securityContext.seccompProfile`)
  visitContainers(spec, path, (container, at) => {
    const profile = container.securityContext?.seccompProfile
    const text = annotations[`${seccompOfContainer}${container.name}`]
    if (profile && text !== undefined) checkAgrees(faults, 'seccomp', text, profile, `${at}.securityContext.seccompProfile`)
  })
  if (spec.os?.name === 'windows') return
  visitContainers(spec, path, (container, at) => {
    const profile = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile
    const text = annotations[`${appArmorPrefix}${container.name}`]
    if (profile && text !== undefined) checkAgrees(faults, 'apparmor', text, profile, `${at}.securityContext.appArmorProfile`)
  })
}

const checkAgrees = (faults: Faults, what: string, text: string, profile: Profile, path: string): void => {
  const wrongType = forbiddenField(`${path}.type`, `${what} type in annotation and field must match`)
  if (profile.type === 'Unconfined') {
    if (text !== 'unconfined') faults.push(wrongType)
  } else if (profile.type === 'RuntimeDefault') {
    if (text !== 'runtime/default' && !(what === 'seccomp' && text === 'docker/default')) faults.push(wrongType)
  } else if (profile.type === 'Localhost') {
    if (!text.startsWith('localhost/')) faults.push(wrongType)
    else if (text.slice('localhost/'.length) !== profile.localhostProfile)
      faults.push(forbiddenField(`${path}.localhostProfile`, `${what} profile in annotation and field must match`))
  }
}
