import { type Check, containersOf, counted, type PodCheck, quotedList, settersText, sorted } from './check.ts'

const allowedProfiles = new Set(['RuntimeDefault', 'Localhost'])
const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'

const appArmorProfile: PodCheck = (pod) => {
  const ofPod = pod.spec.securityContext?.appArmorProfile?.type
  const podIsBad = ofPod !== undefined && !allowedProfiles.has(ofPod)
  const isBad = (type: string | undefined): type is string => type !== undefined && !allowedProfiles.has(type)
  const bad = containersOf(pod).filter(({ securityContext }) => isBad(securityContext?.appArmorProfile?.type))
  const annotations = Object.entries(pod.metadata?.annotations ?? {})
    .filter(
      ([key, value]) => key.startsWith(appArmorPrefix) && value !== '' && value !== 'runtime/default' && !value.startsWith('localhost/'),
    )
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort()
  const types = sorted([
    ...(podIsBad ? [ofPod] : []),
    ...bad.map(({ securityContext }) => securityContext?.appArmorProfile?.type as string),
  ])
  const values = [...types, ...annotations]
  if (values.length === 0) return undefined
  const setters = settersText(
    podIsBad,
    bad.map(({ name }) => name),
  )
  const noted = annotations.length === 0 ? '' : `annotation${annotations.length === 1 ? '' : 's'}`
  return {
    reason: `forbidden AppArmor profile${values.length === 1 ? '' : 's'}`,
    detail: `${[setters, noted].filter(Boolean).join(' and ')} must not set AppArmor profile type to ${quotedList(values)}`,
  }
}

const defaultCapabilities = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(' '),
)

const capabilities: PodCheck = (pod) => {
  const added = (each: ReturnType<typeof containersOf>[number]) =>
    (each.securityContext?.capabilities?.add ?? []).filter((name) => !defaultCapabilities.has(name))
  const bad = containersOf(pod).filter((each) => added(each).length > 0)
  if (bad.length === 0) return undefined
  const names = bad.map(({ name }) => name)
  return {
    reason: 'non-default capabilities',
    detail: `${counted('container', names)} must not include ${quotedList(sorted(bad.flatMap(added)))} in securityContext.capabilities.add`,
  }
}

const hostNamespaces: PodCheck = ({ spec }) => {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name])
  return shared.length === 0 ? undefined : { reason: 'host namespaces', detail: shared.map((name) => `${name}=true`).join(', ') }
}

const hostPathVolumes: PodCheck = ({ spec }) => {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name)
  return names.length === 0 ? undefined : { reason: 'hostPath volumes', detail: counted('volume', names) }
}

const hostPorts: PodCheck = (pod) => {
  const bad = containersOf(pod).filter(({ ports }) => ports?.some(({ hostPort }) => hostPort))
  if (bad.length === 0) return undefined
  const ports = sorted(
    bad.flatMap(({ ports: all }) => (all ?? []).filter(({ hostPort }) => hostPort).map(({ hostPort }) => String(hostPort))),
  )
  const names = bad.map(({ name }) => name)
  const uses = names.length === 1 ? 'uses' : 'use'
  return {
    reason: 'hostPort',
    detail: `${counted('container', names)} ${uses} hostPort${ports.length === 1 ? '' : 's'} ${ports.join(', ')}`,
  }
}

const privileged: PodCheck = (pod) => {
  const names = containersOf(pod)
    .filter(({ securityContext }) => securityContext?.privileged)
    .map(({ name }) => name)
  if (names.length === 0) return undefined
  return { reason: 'privileged', detail: `${counted('container', names)} must not set securityContext.privileged=true` }
}

const procMount: PodCheck = (pod) => {
  const bad = containersOf(pod).filter(({ securityContext }) => (securityContext?.procMount ?? 'Default') !== 'Default')
  if (bad.length === 0) return undefined
  const types = sorted(bad.map(({ securityContext }) => securityContext?.procMount as string))
  const names = bad.map(({ name }) => name)
  return { reason: 'procMount', detail: `${counted('container', names)} must not set securityContext.procMount to ${quotedList(types)}` }
}

const seccompPodKey = 'seccomp.security.alpha.kubernetes.io/pod'
const seccompPrefix = 'container.seccomp.security.alpha.kubernetes.io/'
const isSeccompValue = (value: string): boolean =>
  value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/')

/** Before 1.19 profiles were annotations. */
const seccompAnnotations: PodCheck = (pod) => {
  const keys = [seccompPodKey, ...containersOf(pod).map(({ name }) => `${seccompPrefix}${name}`)]
  const annotations = pod.metadata?.annotations ?? {}
  const bad = sorted(
    keys
      .filter((key) => Object.hasOwn(annotations, key) && !isSeccompValue(annotations[key] as string))
      .map((key) => `${key}=${JSON.stringify(annotations[key])}`),
  )
  if (bad.length === 0) return undefined
  return { reason: 'seccompProfile', detail: `forbidden annotation${bad.length === 1 ? '' : 's'} ${bad.join(', ')}` }
}

/** Whoever sets a profile must set one of the allowed types. */
export const seccompProfile: PodCheck = (pod) => {
  const ofPod = pod.spec.securityContext?.seccompProfile?.type
  const podIsBad = ofPod !== undefined && !allowedProfiles.has(ofPod)
  const bad = containersOf(pod).filter(({ securityContext }) => {
    const type = securityContext?.seccompProfile?.type
    return type !== undefined && !allowedProfiles.has(type)
  })
  if (!podIsBad && bad.length === 0) return undefined
  const types = sorted([...(podIsBad ? [ofPod] : []), ...bad.map(({ securityContext }) => securityContext?.seccompProfile?.type as string)])
  const setters = settersText(
    podIsBad,
    bad.map(({ name }) => name),
  )
  return { reason: 'seccompProfile', detail: `${setters} must not set securityContext.seccompProfile.type to ${quotedList(types)}` }
}

const seLinuxOptions =
  (types: ReadonlySet<string>): PodCheck =>
  (pod) => {
    const containers = containersOf(pod)
    const isBad = ({ seLinuxOptions: options }: { seLinuxOptions?: { type?: string; user?: string; role?: string } } = {}): boolean =>
      options !== undefined && (!types.has(options.type ?? '') || Boolean(options.user) || Boolean(options.role))
    const podIsBad = isBad(pod.spec.securityContext)
    const bad = containers.filter(({ securityContext }) => isBad(securityContext))
    if (!podIsBad && bad.length === 0) return undefined
    const set = [pod.spec.securityContext?.seLinuxOptions, ...containers.map(({ securityContext }) => securityContext?.seLinuxOptions)]
    const badTypes = sorted(set.map((options) => options?.type ?? '').filter((type) => !types.has(type)))
    const data = [
      ...(badTypes.length > 0 ? [counted('type', badTypes)] : []),
      ...(set.some((options) => options?.user) ? ['user may not be set'] : []),
      ...(set.some((options) => options?.role) ? ['role may not be set'] : []),
    ]
    const setters = settersText(
      podIsBad,
      bad.map(({ name }) => name),
    )
    return { reason: 'seLinuxOptions', detail: `${setters} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}` }
  }
const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t']

const sysctls =
  (allowed: ReadonlySet<string>): PodCheck =>
  ({ spec }) => {
    const names = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.has(name))
    return names.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: names.join(', ') }
  }
const sysctls1 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
]
const sysctls27 = [...sysctls1, 'net.ipv4.ip_local_reserved_ports']
const keepalive = ['tcp_keepalive_time', 'tcp_fin_timeout', 'tcp_keepalive_intvl', 'tcp_keepalive_probes']
const sysctls29 = [...sysctls27, ...keepalive.map((name) => `net.ipv4.${name}`)]
const sysctls32 = [...sysctls29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']

const hostProcess: PodCheck = (pod) => {
  const ofPod = pod.spec.securityContext?.windowsOptions?.hostProcess === true
  const names = containersOf(pod)
    .filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess)
    .map(({ name }) => name)
  if (!ofPod && names.length === 0) return undefined
  return { reason: 'hostProcess', detail: `${settersText(ofPod, names)} must not set securityContext.windowsOptions.hostProcess=true` }
}

/** The baseline, in upstream's order. */
export const baselineChecks: readonly Check[] = [
  { id: 'appArmorProfile', versions: [[0, appArmorProfile]] },
  { id: 'capabilities_baseline', versions: [[0, capabilities]] },
  { id: 'hostNamespaces', versions: [[0, hostNamespaces]] },
  { id: 'hostPathVolumes', versions: [[0, hostPathVolumes]] },
  { id: 'hostPorts', versions: [[0, hostPorts]] },
  { id: 'privileged', versions: [[0, privileged]] },
  { id: 'procMount', versions: [[0, procMount]] },
  {
    id: 'seLinuxOptions',
    versions: [
      [0, seLinuxOptions(new Set(seLinuxTypes))],
      [31, seLinuxOptions(new Set([...seLinuxTypes, 'container_engine_t']))],
    ],
  },
  {
    id: 'seccompProfile_baseline',
    versions: [
      [0, seccompAnnotations],
      [19, seccompProfile],
    ],
  },
  {
    id: 'sysctls',
    versions: [
      [0, sysctls(new Set(sysctls1))],
      [27, sysctls(new Set(sysctls27))],
      [29, sysctls(new Set(sysctls29))],
      [32, sysctls(new Set(sysctls32))],
    ],
  },
  { id: 'windowsHostProcess', versions: [[0, hostProcess]] },
]
