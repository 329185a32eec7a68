import type { Container, Pod, SeccompProfile as SeccompSpec } from '@skiff/api'
import type { ReadyImage } from '../agent/seams.ts'
import { describePod } from '../pods/naming.ts'
import type { ContainerSecurity, NamespaceChoice, SandboxSecurity, SeccompProfile } from '../runtimes/runtime.ts'

/** Refuses a container that must not run as root but would, or may. Only numbers can be checked. */
export const checkNonRoot = (pod: Pod, container: Container, image: ReadyImage): void => {
  const { runAsNonRoot, runAsUser } = { ...effective(pod), ...defined(container.securityContext) }
  if (!runAsNonRoot) return
  const where = `(pod: ${JSON.stringify(describePod(pod))}, container: ${container.name})`
  if (runAsUser === 0) throw new Error(`container's runAsUser breaks non-root policy ${where}`)
  if (runAsUser !== undefined) return
  if (image.username !== '') {
    throw new Error(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    )
  }
  if ((image.uid ?? 0) === 0) throw new Error(`container has runAsNonRoot and image will run as root ${where}`)
}

const effective = (pod: Pod) => {
  const { runAsUser, runAsGroup, runAsNonRoot, seccompProfile, seLinuxOptions, appArmorProfile } = pod.spec.securityContext ?? {}
  return defined({ runAsUser, runAsGroup, runAsNonRoot, seccompProfile, seLinuxOptions, appArmorProfile })
}

const defined = <T extends object>(object: T | undefined): T =>
  Object.fromEntries(Object.entries(object ?? {}).filter(([, value]) => value !== undefined)) as T

export const namespacesOf = (pod: Pod): NamespaceChoice => ({
  network: pod.spec.hostNetwork ? 'node' : 'pod',
  ipc: pod.spec.hostIPC ? 'node' : 'pod',
  pid: pod.spec.hostPID ? 'node' : pod.spec.shareProcessNamespace ? 'pod' : 'container',
})

const groupsOf = (pod: Pod): number[] => {
  const { fsGroup, supplementalGroups = [] } = pod.spec.securityContext ?? {}
  return [...(fsGroup !== undefined ? [fsGroup] : []), ...supplementalGroups]
}

const seccompOf = (profile: SeccompSpec | undefined, profileRoot: string): SeccompProfile => {
  switch (profile?.type) {
    case 'RuntimeDefault':
      return { type: 'runtimeDefault' }
    case 'Localhost':
      return { type: 'localhost', path: `${profileRoot}/${profile.localhostProfile ?? ''}` }
    default:
      return { type: 'unconfined' }
  }
}

/** The effective security context of a container: its own over its pod's. */
export const containerSecurity = (pod: Pod, container: Container, profileRoot: string, targetContainerId?: string): ContainerSecurity => {
  const own = { ...effective(pod), ...defined(container.securityContext) }
  const { capabilities, privileged, runAsUser, runAsGroup, readOnlyRootFilesystem, allowPrivilegeEscalation, procMount } = own
  const { seLinuxOptions, appArmorProfile } = own
  const pid = namespacesOf(pod).pid
  const groups = groupsOf(pod)
  return {
    ...(privileged !== undefined ? { privileged } : {}),
    ...(capabilities ? { capabilities: { add: capabilities.add ?? [], drop: capabilities.drop ?? [] } } : {}),
    ...(runAsUser !== undefined ? { runAsUser } : {}),
    ...(runAsGroup !== undefined ? { runAsGroup } : {}),
    ...(groups.length > 0 ? { supplementalGroups: groups } : {}),
    ...(readOnlyRootFilesystem !== undefined ? { readOnlyRootFilesystem } : {}),
    ...(allowPrivilegeEscalation === false ? { noNewPrivileges: true } : {}),
    seccomp: seccompOf(own.seccompProfile, profileRoot),
    ...(appArmorProfile ? { apparmorProfile: appArmorName(appArmorProfile) } : {}),
    ...(seLinuxOptions ? { selinux: defined(seLinuxOptions) } : {}),
    ...(procMount === 'Unmasked' ? { maskedPaths: [], readonlyPaths: [] } : {}),
    pid: targetContainerId !== undefined && pid === 'container' ? { targetContainerId } : pid,
  }
}

const appArmorName = ({ type, localhostProfile }: { readonly type: string; readonly localhostProfile?: string }): string =>
  type === 'RuntimeDefault' ? 'runtime/default' : type === 'Localhost' ? `localhost/${localhostProfile ?? ''}` : 'unconfined'

/** Of the sandbox: the pod's own context, always with the runtime's default seccomp profile. */
export const sandboxSecurity = (pod: Pod): SandboxSecurity => {
  const { runAsUser, runAsGroup, seLinuxOptions } = pod.spec.securityContext ?? {}
  const groups = groupsOf(pod)
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
  return {
    namespaces: namespacesOf(pod),
    privileged: all.some(({ securityContext }) => securityContext?.privileged === true),
    seccomp: { type: 'runtimeDefault' },
    ...(runAsUser !== undefined ? { runAsUser } : {}),
    ...(runAsGroup !== undefined ? { runAsGroup } : {}),
    ...(groups.length > 0 ? { supplementalGroups: groups } : {}),
    ...(seLinuxOptions ? { selinux: defined(seLinuxOptions) } : {}),
  }
}
