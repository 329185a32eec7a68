import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Env } from '@skiff/machinery'
import { openCriRuntime } from '../runtimes/cri/cri-runtime.ts'
import type { Runtime } from '../runtimes/runtime.ts'
import { removeCgroups } from './cgroups.ts'
import type { ContainerdOptions } from './containerd-options.ts'
import { adopt, type Daemon, launch, stopDaemon } from './launch.ts'
import { removeMounts } from './mounts.ts'
import { removeBridge, removeNetworkTraces } from './network-traces.ts'
import { type Places, placesOf } from './places.ts'
import { removePortmapTraces } from './portmap-traces.ts'
import { endShims } from './shims.ts'
import { findProgram } from './system-facts.ts'

const orderlyLimitMs = 60_000
/** What containers that will come back get to end by themselves. */
const graceSeconds = 10

/**
 * Removes what a containerd of these options made on the machine: pods, processes, mounts, namespaces, cgroups, its bridge.
 * Works whether it runs, was killed, or never ran. With `keepData` its containers are ended with some grace, and stay in `root` as
 * after a reboot, with their exit codes, beside the images. Whoever supervised it must have ended or released it, or would start it
 * again.
 */
export const teardownContainerd = async (
  env: Env,
  options: ContainerdOptions,
  { keepData = false }: { readonly keepData?: boolean } = {},
): Promise<void> => {
  const places = placesOf(options.root, options.state, options.logFile)
  const sandboxIds = await endPodsInOrder(env, places, options, keepData).catch((error: unknown) => {
    env.log.warn('pods could not be ended in order; they are ended by force', { error: String(error) })
    return []
  })
  // In order: processes hold mounts and cgroups, mounts hold namespaces and directories.
  await endShims(env, places)
  await removeMounts([places.state, places.root])
  if (options.cgroupRoot) await removeCgroups(env, options.cgroupRoot)
  await removeNetworkTraces(options.network, sandboxIds)
  if (options.network.hostPorts ?? true) await removePortmapTraces(options.network.name, options.netns)
  await removeBridge(options.network.bridge, options.netns)
  await rm(places.state, { recursive: true, force: true })
  if (!keepData) await rm(places.root, { recursive: true, force: true })
}

const endPodsInOrder = async (env: Env, places: Places, options: ContainerdOptions, keepData: boolean): Promise<readonly string[]> => {
  const daemon = (await adopt(env, places)) ?? (await launchToCleanUp(env, places, options))
  if (daemon === undefined) return []
  const runtime = openCriRuntime(env, { socketPath: places.socket })
  try {
    return await endPods(env, runtime, daemon, keepData)
  } finally {
    runtime.close()
    await stopDaemon(env, daemon)
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** A containerd that died may have left pods: only it knows how to end them in order. */
const launchToCleanUp = async (env: Env, places: Places, options: ContainerdOptions): Promise<Daemon | undefined> => {
  const binary = await findProgram('containerd')
  const wasHere = (await exists(places.configFile)) && (await exists(join(places.root, 'io.containerd.metadata.v1.bolt')))
  if (binary === undefined || !wasHere || (options.netns !== undefined && !(await exists(options.netns)))) return undefined
  return launch(env, places, binary, options.netns)
}

const endPods = async (env: Env, runtime: Runtime, daemon: Daemon, keepData: boolean): Promise<readonly string[]> => {
  const limit = new AbortController()
  const cancelLimit = env.after(orderlyLimitMs, () => limit.abort())
  void daemon.ended.then(() => limit.abort())
  const options = { signal: limit.signal }
  try {
    const sandboxes = await whenAnswering(env, limit.signal, () => runtime.listPodSandboxes({}, { ...options, timeoutMs: 5_000 }))
    if (keepData) {
      const running = await runtime.listContainers({ state: 'running' }, options)
      await Promise.all(running.map(({ containerId }) => runtime.stopContainer(containerId, graceSeconds, options)))
    }
    await Promise.all(
      sandboxes.map(async ({ sandboxId }) => {
        await runtime.stopPodSandbox(sandboxId, options)
        if (!keepData) await runtime.removePodSandbox(sandboxId, options)
      }),
    )
    return sandboxes.map(({ sandboxId }) => sandboxId)
  } finally {
    cancelLimit()
  }
}

const whenAnswering = async <T>(env: Env, signal: AbortSignal, ask: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (signal.aborted) throw error
      await env.sleep(50, signal)
    }
  }
}
