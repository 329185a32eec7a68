import type {
  ContainerConfig,
  ContainerSecurity,
  IdMapping,
  ImageAuth,
  LinuxResources,
  Mount,
  NamespaceChoice,
  SandboxConfig,
  SandboxSecurity,
  SeccompProfile,
} from '../runtime.ts'
import type { ToCri } from './cri-table.ts'

const namespaceMode = { pod: 'POD', container: 'CONTAINER', node: 'NODE' } as const
const int64 = (value: number | undefined): ToCri<'Int64Value'> | undefined => (value === undefined ? undefined : { value })

const idMappings = (mappings: readonly IdMapping[] | undefined): ToCri<'IDMapping'>[] =>
  (mappings ?? []).map(({ hostId, containerId, length }) => ({ hostId, containerId, length }))

const namespaceOptions = ({ network, pid, ipc, user }: NamespaceChoice): ToCri<'NamespaceOption'> => ({
  network: namespaceMode[network],
  pid: namespaceMode[pid],
  ipc: namespaceMode[ipc],
  usernsOptions: user && { mode: namespaceMode[user.mode], uids: idMappings(user.uids), gids: idMappings(user.gids) },
})

const seccompProfile = (profile: SeccompProfile | undefined): ToCri<'SecurityProfile'> | undefined => {
  if (profile === undefined) return undefined
  if (profile.type === 'localhost') return { profileType: 'Localhost', localhostRef: profile.path }
  return { profileType: profile.type === 'runtimeDefault' ? 'RuntimeDefault' : 'Unconfined' }
}

// The names of a pod's security context: RuntimeDefault, Unconfined, or a profile loaded on the node.
const apparmorProfile = (profile: string | undefined): ToCri<'SecurityProfile'> | undefined => {
  if (profile === undefined) return undefined
  if (profile === 'RuntimeDefault' || profile === 'Unconfined') return { profileType: profile }
  return { profileType: 'Localhost', localhostRef: profile }
}

export const resourcesToCri = (resources: LinuxResources | undefined): ToCri<'LinuxContainerResources'> | undefined =>
  resources && {
    cpuPeriod: resources.cpuPeriodUs,
    cpuQuota: resources.cpuQuotaUs,
    cpuShares: resources.cpuShares,
    memoryLimitInBytes: resources.memoryLimitBytes,
    memorySwapLimitInBytes: resources.memorySwapLimitBytes,
    oomScoreAdj: resources.oomScoreAdj,
    cpusetCpus: resources.cpusetCpus,
    cpusetMems: resources.cpusetMems,
    hugepageLimits: resources.hugepages?.map(({ pageSize, limitBytes }) => ({ pageSize, limit: limitBytes })),
    unified: resources.unified,
  }

const sandboxSecurity = (security: SandboxSecurity): ToCri<'LinuxSandboxSecurityContext'> => ({
  namespaceOptions: namespaceOptions(security.namespaces),
  selinuxOptions: security.selinux,
  runAsUser: int64(security.runAsUser),
  runAsGroup: int64(security.runAsGroup),
  readonlyRootfs: security.readOnlyRootFilesystem,
  supplementalGroups: security.supplementalGroups,
  privileged: security.privileged,
  seccomp: seccompProfile(security.seccomp),
  apparmor: apparmorProfile(security.apparmorProfile),
})

export const sandboxToCri = (config: SandboxConfig): ToCri<'PodSandboxConfig'> => ({
  metadata: { name: config.podName, namespace: config.podNamespace, uid: config.podUid, attempt: config.attempt },
  hostname: config.hostname,
  logDirectory: config.logDirectory,
  dnsConfig: config.dns,
  portMappings: config.portMappings,
  labels: config.labels,
  annotations: config.annotations,
  linux: {
    cgroupParent: config.cgroupParent,
    sysctls: config.sysctls,
    securityContext: sandboxSecurity(config.security),
    resources: resourcesToCri(config.resources),
    overhead: resourcesToCri(config.overhead),
  },
})

const propagation = {
  private: 'PROPAGATION_PRIVATE',
  hostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const

const mountToCri = (mount: Mount, sandbox: SandboxConfig): ToCri<'Mount'> => ({
  containerPath: mount.containerPath,
  hostPath: mount.hostPath,
  readonly: mount.readonly,
  selinuxRelabel: mount.selinuxRelabel,
  propagation: propagation[mount.propagation ?? 'private'],
  recursiveReadOnly: mount.recursiveReadOnly,
  // Volumes keep their owners inside the pod's user namespace.
  uidMappings: idMappings(sandbox.security.namespaces.user?.uids),
  gidMappings: idMappings(sandbox.security.namespaces.user?.gids),
})

const containerNamespaces = (pid: ContainerSecurity['pid'], sandbox: SandboxConfig): ToCri<'NamespaceOption'> => {
  const ofPod = namespaceOptions(sandbox.security.namespaces)
  if (pid === undefined) return ofPod
  if (typeof pid === 'string') return { ...ofPod, pid: namespaceMode[pid] }
  return { ...ofPod, pid: 'TARGET', targetId: pid.targetContainerId }
}

// What containerd and CRI-O hide when a caller names nothing. CRI itself takes an empty list for "hide nothing".
const maskedPaths = ['asound', 'acpi', 'interrupts', 'kcore', 'keys', 'latency_stats', 'timer_list', 'timer_stats', 'sched_debug', 'scsi']
  .map((name) => `/proc/${name}`)
  .concat('/sys/firmware', '/sys/devices/virtual/powercap')
const readonlyPaths = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`)

const containerSecurity = (security: ContainerSecurity, sandbox: SandboxConfig): ToCri<'LinuxContainerSecurityContext'> => ({
  capabilities: security.capabilities && {
    addCapabilities: security.capabilities.add,
    dropCapabilities: security.capabilities.drop,
  },
  privileged: security.privileged,
  namespaceOptions: containerNamespaces(security.pid, sandbox),
  selinuxOptions: security.selinux,
  runAsUser: int64(security.runAsUser),
  runAsUsername: security.runAsUsername,
  runAsGroup: int64(security.runAsGroup),
  supplementalGroups: security.supplementalGroups,
  readonlyRootfs: security.readOnlyRootFilesystem,
  noNewPrivs: security.noNewPrivileges,
  maskedPaths: security.maskedPaths ?? (security.privileged ? [] : maskedPaths),
  readonlyPaths: security.readonlyPaths ?? (security.privileged ? [] : readonlyPaths),
  seccomp: seccompProfile(security.seccomp),
  apparmor: apparmorProfile(security.apparmorProfile),
})

export const containerToCri = (config: ContainerConfig, sandbox: SandboxConfig): ToCri<'ContainerConfig'> => ({
  metadata: { name: config.name, attempt: config.attempt },
  image: { image: config.imageRef, userSpecifiedImage: config.image, runtimeHandler: sandbox.runtimeHandler },
  command: config.command,
  args: config.args,
  workingDir: config.workingDir,
  envs: config.env.map(({ name, value }) => ({ key: name, value })),
  mounts: config.mounts.map((mount) => mountToCri(mount, sandbox)),
  devices: config.devices,
  labels: config.labels,
  annotations: config.annotations,
  logPath: config.logPath,
  stdin: config.stdin,
  stdinOnce: config.stdinOnce,
  tty: config.tty,
  linux: {
    resources: resourcesToCri(config.resources),
    securityContext: containerSecurity(config.security ?? {}, sandbox),
  },
})

export const authToCri = (auth: ImageAuth): ToCri<'AuthConfig'> => ({ ...auth })
