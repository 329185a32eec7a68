import { randomBytes } from 'node:crypto'
import type { Container, Pod, Service } from '@skiff/api'
import type { PodEvents } from '../agent/pod-events.ts'
import type { Configure, ContainerRequest } from '../agent/seams.ts'
import { annotations, containerHash, labels, podLogFolder } from '../pods/naming.ts'
import type { ContainerConfig, DnsConfig, Mount, PortMapping, SandboxConfig } from '../runtimes/runtime.ts'
import { type ClusterDns, podDns } from './dns.ts'
import { environmentOf, type Referents } from './env-vars.ts'
import { expand } from './expansion.ts'
import { hostnameOf } from './hosts-file.ts'
import { type PrepareSubPath, volumeMounts } from './mounts.ts'
import { cgroupParent, containerResources, podResources } from './resources.ts'
import { checkNonRoot, containerSecurity, sandboxSecurity } from './security.ts'
import { serviceEnv } from './service-env.ts'

/** What the node's directories give a pod; a node without files gives nothing. */
export interface PodFiles {
  /** Writes the pod's /etc/hosts; answers its path. Undefined: the container keeps its image's. */
  hostsFile(pod: Pod, ips: readonly string[]): Promise<string | undefined>
  /** Makes an empty file that a container can leave its last words in. */
  terminationLog(pod: Pod, container: string, id: string): Promise<string | undefined>
  makeLogDirectory(pod: Pod, container: string): Promise<void>
  prepareSubPath(pod: Pod): PrepareSubPath
}

export interface ConfigureOptions {
  readonly logRoot: string
  readonly seccompRoot: string
  readonly cgroupRoot: string
  readonly clusterDns: ClusterDns
  readonly hostDns: () => Promise<DnsConfig>
  readonly services: () => Promise<Iterable<Service>>
  readonly referents: Referents
  readonly files: PodFiles
  readonly hostIps: () => readonly string[]
  readonly allocatable: () => Readonly<Record<string, string>>
  readonly memoryCapacityBytes: number
  readonly events: PodEvents
  /** RuntimeClass name to handler. Throws for one that does not exist. */
  readonly handlerOf: (runtimeClass: string) => Promise<string>
}

/** Turns specs into what the runtime takes. */
export const createConfigure = (options: ConfigureOptions): Configure => ({
  sandbox: (pod, attempt) => sandboxConfig(pod, attempt, options),
  container: (request) => containerConfig(request, options),
})

const sandboxConfig = async (pod: Pod, attempt: number, options: ConfigureOptions): Promise<SandboxConfig> => {
  const { runtimeClassName } = pod.spec
  const sysctls = pod.spec.securityContext?.sysctls ?? []
  return {
    podName: pod.metadata.name,
    podNamespace: pod.metadata.namespace ?? '',
    podUid: pod.metadata.uid,
    attempt,
    hostname: pod.spec.hostNetwork ? '' : hostnameOf(pod, options.clusterDns.domain).nodename,
    logDirectory: `${options.logRoot}/${podLogFolder(pod)}`,
    dns: podDns(pod, options.clusterDns, await options.hostDns()),
    portMappings: portMappings(pod),
    labels: { ...pod.metadata.labels, ...podLabels(pod) },
    annotations: pod.metadata.annotations ?? {},
    cgroupParent: cgroupParent(pod, options.cgroupRoot),
    ...(sysctls.length > 0 ? { sysctls: Object.fromEntries(sysctls.map(({ name, value }) => [name, value])) } : {}),
    security: sandboxSecurity(pod),
    resources: podResources(pod),
    ...(runtimeClassName ? { runtimeHandler: await options.handlerOf(runtimeClassName) } : {}),
  }
}

const podLabels = (pod: Pod): Record<string, string> => ({
  [labels.podName]: pod.metadata.name,
  [labels.podNamespace]: pod.metadata.namespace ?? '',
  [labels.podUid]: pod.metadata.uid,
})

const portMappings = (pod: Pod): PortMapping[] => {
  if (pod.spec.hostNetwork) return []
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...sidecars, ...pod.spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP }) =>
      hostPort ? [{ protocol, containerPort, hostPort, ...(hostIP ? { hostIp: hostIP } : {}) }] : [],
    ),
  )
}

const containerConfig = async (request: ContainerRequest, options: ConfigureOptions): Promise<ContainerConfig> => {
  const { pod, container, image, restartCount } = request
  checkNonRoot(pod, container, image)
  const env = await environment(request, options)
  const [mounts] = await Promise.all([allMounts(request, env, options), options.files.makeLogDirectory(pod, container.name)])
  const expanded = (texts: readonly string[] = []) => texts.map((text) => expand(text, (name) => env.get(name)))
  return {
    name: container.name,
    attempt: restartCount,
    image: container.image ?? '',
    imageRef: image.ref,
    command: expanded(container.command),
    args: expanded(container.args),
    workingDir: container.workingDir ?? '',
    env: [...env].map(([name, value]) => ({ name, value })),
    mounts,
    labels: { ...podLabels(pod), [labels.containerName]: container.name },
    annotations: containerAnnotations(pod, container, restartCount),
    logPath: `${container.name}/${restartCount}.log`,
    ...(container.stdin ? { stdin: true } : {}),
    ...(container.stdinOnce ? { stdinOnce: true } : {}),
    ...(container.tty ? { tty: true } : {}),
    resources: containerResources(pod, container, options.memoryCapacityBytes),
    security: containerSecurity(pod, container, options.seccompRoot, request.targetContainerId),
  }
}

const environment = async ({ pod, container, ips }: ContainerRequest, options: ConfigureOptions): Promise<Map<string, string>> => {
  const namespace = pod.metadata.namespace ?? ''
  const hostIps = options.hostIps()
  return environmentOf({
    container,
    fields: { pod, podIps: pod.spec.hostNetwork ? hostIps : ips, hostIps, allocatable: options.allocatable() },
    services: serviceEnv(await options.services(), namespace, pod.spec.enableServiceLinks !== false),
    referents: options.referents,
    warn: (message) => options.events.pod(pod, 'Warning', 'InvalidEnvironmentVariableNames', message),
  })
}

const allMounts = async (request: ContainerRequest, env: ReadonlyMap<string, string>, options: ConfigureOptions): Promise<Mount[]> => {
  const { pod, container, volumes, ips } = request
  const mounts = await volumeMounts(container, volumes, env, options.files.prepareSubPath(pod))
  if (!mounts.some(({ containerPath }) => containerPath === '/etc/hosts')) {
    const hostPath = await options.files.hostsFile(pod, pod.spec.hostNetwork ? options.hostIps() : ips)
    if (hostPath !== undefined) mounts.push({ containerPath: '/etc/hosts', hostPath, selinuxRelabel: true })
  }
  const path = container.terminationMessagePath
  if (path) {
    const hostPath = await options.files.terminationLog(pod, container.name, randomBytes(4).toString('hex'))
    if (hostPath !== undefined) mounts.push({ containerPath: path.startsWith('/') ? path : `/${path}`, hostPath, selinuxRelabel: true })
  }
  return mounts
}

const containerAnnotations = (pod: Pod, container: Container, restartCount: number): Record<string, string> => {
  const { deletionGracePeriodSeconds: deletion } = pod.metadata
  const { terminationGracePeriodSeconds: termination } = pod.spec
  const preStop = container.lifecycle?.preStop
  return {
    [annotations.hash]: containerHash(container),
    [annotations.restartCount]: String(restartCount),
    [annotations.terminationMessagePath]: container.terminationMessagePath ?? '',
    [annotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? '',
    ...(deletion !== undefined ? { [annotations.deletionGracePeriod]: String(deletion) } : {}),
    ...(termination !== undefined ? { [annotations.terminationGracePeriod]: String(termination) } : {}),
    ...(preStop ? { [annotations.preStopHandler]: JSON.stringify(preStop) } : {}),
    ...(container.ports?.length ? { [annotations.ports]: JSON.stringify(container.ports) } : {}),
  }
}
