export { delegateControllers, removeEmptyCgroup } from './containerd/cgroups.ts'
export type { PodNetwork } from './containerd/cni-config.ts'
export { type Containerd, startContainerd } from './containerd/containerd.ts'
export type { ContainerdOptions } from './containerd/containerd-options.ts'
export { removeMounts } from './containerd/mounts.ts'
export type { RegistryHost } from './containerd/registry-hosts.ts'
export { findProgram, snapshotterFor } from './containerd/system-facts.ts'
export { ensureSystemPackages, findStaticBusybox, type SystemPackages } from './containerd/system-packages.ts'
export { teardownContainerd } from './containerd/teardown.ts'
export { removeNodeFiles } from './files/node-files.ts'
export { inspectArchive } from './images/archive.ts'
export { ImageError } from './images/image-error.ts'
export { familiarImageName, type ImageName, normaliseImageName, parseImageName } from './images/image-name.ts'
export { type ImageStore, type ImportOptions, importImage } from './images/import-image.ts'
export { goArchitecture, type PackedImage, type PackOptions, packImage } from './images/pack-image.ts'
export { type NodeAgent, type NodeAgentOptions, startNodeAgent } from './node-agent.ts'
export { type Machine, simulatedMachine, thisMachine } from './node-object/machine.ts'
export { openCriRuntime } from './runtimes/cri/cri-runtime.ts'
export * from './runtimes/runtime.ts'
export { type Behaviour, prefix as simulatedAnnotationPrefix } from './runtimes/simulated/behaviour.ts'
export type { SimulatedImages } from './runtimes/simulated/images.ts'
export type { SimulatedOptions } from './runtimes/simulated/options.ts'
export { simulatedHooks, simulatedProbes } from './runtimes/simulated/probes.ts'
export { createSimulatedRuntime, type SimulatedRuntime } from './runtimes/simulated/runtime.ts'
export { type OpenLog, openLogInMemory } from './service/log-file.ts'
export { type NodeServer, type NodeServerOptions, startNodeServer } from './service/node-server.ts'
export type {
  AttachOptions,
  ContainerTarget,
  ExecOptions,
  LogOptions,
  NodeService,
  PortForwardOptions,
} from './service/node-service.ts'
export { remoteNodeService } from './service/remote-node.ts'
export { resourceMetrics } from './service/resource-metrics.ts'
export type { StatsSummary } from './service/summary.ts'
