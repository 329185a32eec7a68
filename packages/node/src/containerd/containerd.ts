import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Env } from '@skiff/machinery'
import type { ImageStore } from '../images/import-image.ts'
import { openCriRuntime } from '../runtimes/cri/cri-runtime.ts'
import { isRuntimeError, type Runtime } from '../runtimes/runtime.ts'
import { delegateControllers, removeEmptyCgroup } from './cgroups.ts'
import { cniConflist } from './cni-config.ts'
import { containerdConfig } from './containerd-config.ts'
import type { ContainerdOptions } from './containerd-options.ts'
import { adopt, type Daemon, lastWords, launch, stopDaemon } from './launch.ts'
import { type Places, placesOf } from './places.ts'
import { writeRegistryHosts } from './registry-hosts.ts'
import { ensureSandboxImage, sandboxImageName } from './sandbox-image.ts'
import { supervise } from './supervise.ts'
import { findCniPlugins, findProgram, maySetOomScore, snapshotterFor } from './system-facts.ts'
import { teardownContainerd } from './teardown.ts'

export interface Containerd {
  readonly places: Places
  readonly runtime: Runtime
  readonly images: ImageStore
  /** Of the current process; changes when it was restarted. */
  pid(): number
  /** How often it died and was started again. */
  restarts(): number
  /** Stops watching it. containerd and containers run on, to be adopted by the next `startContainerd`. */
  release(): Promise<void>
  /** Ends containerd. Containers run on under their shims, and are found again by the next `startContainerd`. */
  stop(): Promise<void>
  /** Ends and removes every pod and all that this containerd made on the machine; with `keepData` its images stay, and its containers as ended ones. */
  teardown(options?: { readonly keepData?: boolean }): Promise<void>
}

/**
 * A containerd of the node's own, ready for pods when this resolves. One that still runs with the same config is adopted; one that dies is
 * started again. Needs root, and containerd, runc and the CNI plugins installed.
 */
export const startContainerd = async (env: Env, options: ContainerdOptions): Promise<Containerd> => {
  const places = placesOf(options.root, options.state, options.logFile)
  const binary = await required('containerd')
  const changed = await writeConfiguration(places, options)
  const images: ImageStore = { socketPath: places.socket, snapshotter: await snapshotterFor(places.root) }

  await delegateControllers()
  const start = () => launch(env, places, binary, options.netns)
  const runtime = openCriRuntime(env, {
    socketPath: places.socket,
    pinnedImages: [sandboxImageName],
    onSandboxRemoved: removeEmptyCgroup,
  })
  const prepare = async (current: Daemon) => {
    await untilReady(env, runtime, places, current)
    await ensureSandboxImage(env, runtime, images, places.state)
  }
  const startPrepared = async (): Promise<Daemon> => {
    const daemon = await start()
    try {
      await prepare(daemon)
      return daemon
    } catch (error) {
      await stopDaemon(env, daemon)
      throw error
    }
  }
  const daemon = (await adoptPrepared(env, places, changed, prepare)) ?? (await startPrepared().catch(closing(runtime)))
  const supervision = supervise(env, daemon, start, prepare)
  const release = async () => {
    await supervision.release()
    runtime.close()
  }
  return {
    places,
    runtime,
    images,
    pid: () => supervision.daemon().record.pid,
    restarts: supervision.restarts,
    release,
    stop: async () => {
      await release()
      await stopDaemon(env, supervision.daemon())
    },
    teardown: async ({ keepData = false } = {}) => {
      await release()
      await teardownContainerd(env, options, { keepData })
    },
  }
}

const required = async (name: string): Promise<string> => {
  const path = await findProgram(name)
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}

const closing =
  (runtime: Runtime) =>
  (error: unknown): never => {
    runtime.close()
    throw error
  }

/** The containerd of an earlier Skiff, if it runs with today's config and answers. Any other is ended; its containers run on. */
const adoptPrepared = async (
  env: Env,
  places: Places,
  changed: boolean,
  prepare: (daemon: Daemon) => Promise<void>,
): Promise<Daemon | undefined> => {
  const running = await adopt(env, places)
  if (running === undefined) return undefined
  const facts = { pid: running.record.pid }
  try {
    if (!changed) {
      await prepare(running)
      env.log.info('containerd adopted', facts)
      return running
    }
    env.log.info('containerd restarts with a new config', facts)
  } catch (error) {
    env.log.warn('containerd runs but is not ready; it is restarted', { ...facts, error: String(error) })
  }
  await stopDaemon(env, running)
  return undefined
}

/** True when a containerd that runs with the former config must be restarted. */
const writeConfiguration = async (places: Places, options: ContainerdOptions): Promise<boolean> => {
  const cniBinDir = await findCniPlugins()
  if (cniBinDir === undefined) throw new Error('the CNI plugins bridge, host-local, loopback and portmap are not installed')
  for (const directory of [places.root, places.state, places.cniConfigDir, places.cniDataDir, dirname(places.logFile)])
    await mkdir(directory, { recursive: true, mode: 0o711 })
  await writeRegistryHosts(places.registryDir, options.registries ?? [])
  await writeIfChanged(join(places.cniConfigDir, '10-skiff.conflist'), cniConflist(options.network, places.cniDataDir))
  const config = containerdConfig(places, {
    snapshotter: await snapshotterFor(places.root),
    cniBinDir,
    sandboxImage: sandboxImageName,
    oomScore: (await maySetOomScore()) ? -999 : 0,
  })
  return writeIfChanged(places.configFile, config)
}

const writeIfChanged = async (path: string, text: string): Promise<boolean> => {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return false
  await writeFile(path, text)
  return true
}

const readyLimitMs = 60_000

const untilReady = async (env: Env, runtime: Runtime, places: Places, daemon: Daemon): Promise<void> => {
  const deadlineMs = env.monotonicMs() + readyLimitMs
  const died = daemon.ended.then(() => true)
  for (;;) {
    const status = await runtime.status({ timeoutMs: 5_000 }).catch(async (error: unknown) => {
      // It answers, but without CRI: a plugin failed to load, and waiting does not help.
      if (isRuntimeError(error, 'unimplemented')) throw new Error(`containerd has no CRI: ${await lastWords(places.logFile)}`)
      return undefined
    })
    if (status?.runtime.ready && status.network.ready) return
    const dead = await Promise.race([died, env.sleep(20).then(() => false)])
    if (dead) throw new Error(`containerd ended: ${await lastWords(places.logFile)}`)
    if (env.monotonicMs() > deadlineMs) {
      const why = status?.runtime.ready ? status.network.message : await lastWords(places.logFile)
      throw new Error(`containerd was not ready within ${readyLimitMs / 1_000} s: ${why}`)
    }
  }
}
