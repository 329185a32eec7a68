import { addFaults, type FieldError, forbiddenField, invalidValue, isDns1123Subdomain, notSupported, required } from '@skiff/machinery'
import { addInvalid, type Faults } from '../../checks/faults.ts'
import type { PodSpec, WindowsSecurityContextOptions } from '../../generated/types.ts'
import { visitContainers } from './context.ts'

const longestCredentialBytes = 64 * 1024
const longestDomain = 256
const longestUser = 104

export const checkWindowsOptions = (faults: Faults, options: WindowsSecurityContextOptions, path: string): void => {
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName } = options
  if (name !== undefined) addInvalid(faults, isDns1123Subdomain(name), name, `${path}.gmsaCredentialSpecName`)
  if (spec === '') faults.push(invalidValue(`${path}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec cannot be an empty string'))
  else if (spec !== undefined && Buffer.byteLength(spec) > longestCredentialBytes)
    faults.push(invalidValue(`${path}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec size must be under 64 KiB'))
  if (runAsUserName !== undefined) addInvalid(faults, userNameFaults(runAsUserName), runAsUserName, `${path}.runAsUserName`)
}

const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/
const dnsName = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/

const userNameFaults = (text: string): string[] => {
  if (text === '') return ['runAsUserName cannot be an empty string']
  if (/[\u0000-\u001f\u007f]/.test(text)) return ['runAsUserName cannot contain control characters']
  const parts = text.split('\\')
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash']
  const user = parts.at(-1) as string
  const domain = parts.length === 2 ? (parts[0] as string) : undefined
  const found: string[] = []
  if (domain !== undefined && domain.length >= longestDomain)
    found.push(`runAsUserName's Domain length must be under ${longestDomain} characters`)
  if (domain !== undefined && !netBios.test(domain) && !dnsName.test(domain))
    found.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
  if (user === '') found.push("runAsUserName's User cannot be empty")
  else if (user.length > longestUser) found.push(`runAsUserName's User length must not be longer than ${longestUser} characters`)
  if (/^[. ]+$/.test(user)) found.push("runAsUserName's User cannot contain only periods or spaces")
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) found.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]')
  return found
}

/** HostProcess is all containers or none, and needs the host's network. */
export const checkHostProcess = (faults: Faults, spec: PodSpec, path: string): void => {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  let containers = 0
  let hostProcesses = 0
  visitContainers(spec, path, (container, at) => {
    containers++
    const own = container.securityContext?.windowsOptions?.hostProcess
    if (ofPod !== undefined && own !== undefined && ofPod !== own)
      faults.push(
        invalidValue(
          `${at}.securityContext.windowsOptions.hostProcess`,
          own,
          `pod hostProcess value must be identical if both are specified, was ${ofPod}`,
        ),
      )
    if (own ?? ofPod) hostProcesses++
  })
  if (hostProcesses === 0) return
  if (hostProcesses !== containers)
    faults.push(invalidValue(path, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers'))
  if (spec.hostNetwork !== true)
    faults.push(invalidValue(`${path}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers'))
}

/** What may not be set for the operating system that the pod names. */
export const checkOs = (faults: Faults, spec: PodSpec, path: string): void => {
  if (spec.os === undefined) return
  const { name } = spec.os
  if (!name) faults.push(required(`${path}.os.name`, 'cannot be empty'))
  else if (name === 'linux') addFaults(faults, linuxFaults(spec, path))
  else if (name === 'windows') addFaults(faults, windowsFaults(spec, path))
  else faults.push(notSupported(`${path}.os`, name, ['linux', 'windows']))
}

const linuxFaults = (spec: PodSpec, path: string): FieldError[] => {
  const found: FieldError[] = []
  const text = 'windows options cannot be set for a linux pod'
  if (spec.securityContext?.windowsOptions) found.push(forbiddenField(`${path}.securityContext.windowsOptions`, text))
  visitContainers(spec, path, (container, at) => {
    if (container.securityContext?.windowsOptions) found.push(forbiddenField(`${at}.securityContext.windowsOptions`, text))
  })
  return found
}

const podSecurityFields = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
] as const
const podFields = ['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace'] as const
const containerFields = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const

const windowsFaults = (spec: PodSpec, path: string): FieldError[] => {
  const text = 'cannot be set for a windows pod'
  const found: FieldError[] = []
  for (const field of podSecurityFields)
    if (spec.securityContext?.[field] !== undefined) found.push(forbiddenField(`${path}.securityContext.${field}`, text))
  for (const field of podFields) if (spec[field] !== undefined) found.push(forbiddenField(`${path}.${field}`, text))
  visitContainers(spec, path, (container, at) => {
    for (const field of containerFields)
      if (container.securityContext?.[field] !== undefined) found.push(forbiddenField(`${at}.securityContext.${field}`, text))
  })
  return found
}
