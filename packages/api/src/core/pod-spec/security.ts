import {
  addFaults,
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  isUserId,
  notSupported,
  quoted,
  required,
  tooLong,
} from '@skiff/machinery'
import { addInvalid, checkSupported, type Faults, invalidShown } from '../../checks/faults.ts'
import { goPointer, goStruct } from '../../checks/go-syntax.ts'
import { checkDescendingPath } from '../../checks/paths.ts'
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext } from '../../generated/types.ts'
import { checkWindowsOptions } from './windows.ts'

export const checkSecurityContext = (faults: Faults, context: SecurityContext, hostUsers: boolean, path: string): void => {
  const { runAsUser, runAsGroup, procMount } = context
  if (runAsUser !== undefined) addInvalid(faults, isUserId(runAsUser), runAsUser, `${path}.runAsUser`)
  if (runAsGroup !== undefined) addInvalid(faults, isUserId(runAsGroup), runAsGroup, `${path}.runAsGroup`)
  if (procMount !== undefined) {
    checkSupported(faults, procMount, ['Default', 'Unmasked'], `${path}.procMount`)
    if (hostUsers && procMount === 'Unmasked')
      faults.push(invalidValue(`${path}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`'))
  }
  checkSeccomp(faults, context.seccompProfile, `${path}.seccompProfile`)
  if (context.allowPrivilegeEscalation === false) {
    const shown = goContext(context)
    if (context.privileged === true)
      faults.push(invalidShown(path, shown, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'))
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN'))
      faults.push(invalidShown(path, shown, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'))
  }
  if (context.windowsOptions) checkWindowsOptions(faults, context.windowsOptions, `${path}.windowsOptions`)
  checkAppArmor(faults, context.appArmorProfile, `${path}.appArmorProfile`)
}

export const checkPodSecurityContext = (faults: Faults, spec: PodSpec, specPath: string): void => {
  const context = spec.securityContext
  // shareProcessNamespace lies in the security context inside upstream, and so does its path.
  const path = `${specPath}.securityContext`
  if (spec.shareProcessNamespace === true && spec.hostPID === true)
    faults.push(invalidValue(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'))
  if (context === undefined) return
  const { fsGroup, runAsUser, runAsGroup } = context
  if (fsGroup !== undefined) addInvalid(faults, isUserId(fsGroup), fsGroup, `${path}.fsGroup`)
  if (runAsUser !== undefined) addInvalid(faults, isUserId(runAsUser), runAsUser, `${path}.runAsUser`)
  if (runAsGroup !== undefined) addInvalid(faults, isUserId(runAsGroup), runAsGroup, `${path}.runAsGroup`)
  context.supplementalGroups?.forEach((group, index) => {
    addInvalid(faults, isUserId(group), group, `${path}.supplementalGroups[${index}]`)
  })
  if (context.sysctls) checkSysctls(faults, spec, context, `${path}.sysctls`)
  checkSupported(faults, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'], `${path}.fsGroupChangePolicy`)
  checkSeccomp(faults, context.seccompProfile, `${path}.seccompProfile`)
  if (context.windowsOptions) checkWindowsOptions(faults, context.windowsOptions, `${path}.windowsOptions`)
  checkAppArmor(faults, context.appArmorProfile, `${path}.appArmorProfile`)
  checkSupported(faults, context.supplementalGroupsPolicy, ['Merge', 'Strict'], `${path}.supplementalGroupsPolicy`)
  checkSupported(faults, context.seLinuxChangePolicy, ['MountOption', 'Recursive'], `${path}.seLinuxChangePolicy`)
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']

const goSeccomp = ({ type, localhostProfile }: SeccompProfile): string =>
  goStruct('core.SeccompProfile', { Type: quoted(type ?? ''), LocalhostProfile: goPointer('string', localhostProfile) })

const goContext = (context: SecurityContext): string =>
  goStruct('core.SecurityContext', {
    Capabilities: goPointer('core.Capabilities', context.capabilities),
    Privileged: goPointer('bool', context.privileged),
    SELinuxOptions: goPointer('core.SELinuxOptions', context.seLinuxOptions),
    WindowsOptions: goPointer('core.WindowsSecurityContextOptions', context.windowsOptions),
    RunAsUser: goPointer('int64', context.runAsUser),
    RunAsGroup: goPointer('int64', context.runAsGroup),
    RunAsNonRoot: goPointer('bool', context.runAsNonRoot),
    ReadOnlyRootFilesystem: goPointer('bool', context.readOnlyRootFilesystem),
    AllowPrivilegeEscalation: goPointer('bool', context.allowPrivilegeEscalation),
    ProcMount: goPointer('core.ProcMountType', context.procMount),
    SeccompProfile: goPointer('core.SeccompProfile', context.seccompProfile),
    AppArmorProfile: goPointer('core.AppArmorProfile', context.appArmorProfile),
  })

const checkSeccomp = (faults: Faults, profile: SeccompProfile | undefined, path: string): void => {
  if (profile === undefined) return
  const { type = '', localhostProfile } = profile
  if (type === '') faults.push(required(`${path}.type`, 'type is required when seccompProfile is set'))
  else if (!profileTypes.includes(type)) faults.push(notSupported(`${path}.type`, type, profileTypes))
  const at = `${path}.localhostProfile`
  if (type === 'Localhost') {
    if (localhostProfile === undefined) faults.push(required(at, 'must be set when seccomp type is Localhost'))
    else checkDescendingPath(faults, localhostProfile, at)
  } else if (localhostProfile !== undefined)
    faults.push(invalidShown(at, goSeccomp(profile), 'can only be set when seccomp type is Localhost'))
}

/** PATH_MAX less one. */
const longestProfileBytes = 4095

const checkAppArmor = (faults: Faults, profile: AppArmorProfile | undefined, path: string): void => {
  if (profile === undefined) return
  const { type = '', localhostProfile } = profile
  const at = `${path}.localhostProfile`
  if (type === 'Localhost') addFaults(faults, localProfileFaults(localhostProfile, at))
  else if (type === 'RuntimeDefault' || type === 'Unconfined') {
    if (localhostProfile !== undefined) faults.push(invalidValue(at, localhostProfile, 'can only be set when AppArmor type is Localhost'))
  } else if (type === '') faults.push(required(`${path}.type`, 'type is required when appArmorProfile is set'))
  else faults.push(notSupported(`${path}.type`, type, profileTypes))
}

const localProfileFaults = (profile: string | undefined, path: string): FieldError[] => {
  if (profile === undefined) return [required(path, 'must be set when AppArmor type is Localhost')]
  const long = Buffer.byteLength(profile) > longestProfileBytes ? [tooLong(path, '', longestProfileBytes)] : []
  if (profile.trim() !== profile) return [invalidValue(path, profile, 'must not be padded with whitespace'), ...long]
  return profile === '' ? [required(path, 'must be set when AppArmor type is Localhost')] : long
}

const sysctlShape = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/
const sysctlText = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'
const ipcSysctls = new Set(['kernel.sem'])

const checkSysctls = (faults: Faults, spec: PodSpec, context: PodSecurityContext, path: string): void => {
  const names = new Set<string>()
  context.sysctls?.forEach(({ name = '' }, index) => {
    const at = `${path}[${index}].name`
    if (name === '') faults.push(required(at))
    else if (name.length > 253 || !sysctlShape.test(name))
      faults.push(invalidValue(at, name, `must have at most 253 characters and match regex ${sysctlText}`))
    else if (names.has(name)) faults.push(duplicate(at, name))
    const dotted = name.replaceAll('/', '.')
    const ofIpc = ipcSysctls.has(dotted) || /^(kernel\.shm|kernel\.msg|fs\.mqueue\.)/.test(dotted)
    if (spec.hostNetwork === true && dotted.startsWith('net.'))
      faults.push(invalidValue(at, name, "may not be specified when 'hostNetwork' is true"))
    else if (spec.hostIPC === true && ofIpc) faults.push(invalidValue(at, name, "may not be specified when 'hostIPC' is true"))
    names.add(name)
  })
}

/** A user namespace of its own does not go with namespaces of the host. */
export const checkHostUsers = (faults: Faults, spec: PodSpec, path: string): void => {
  if (spec.hostUsers !== false) return
  const text = 'when `pod.Spec.HostUsers` is false'
  if (spec.hostNetwork) faults.push(forbiddenField(`${path}.hostNetwork`, text))
  if (spec.hostPID) faults.push(forbiddenField(`${path}.HostPID`, text))
  if (spec.hostIPC) faults.push(forbiddenField(`${path}.HostIPC`, text))
}
