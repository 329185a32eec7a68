import { access, copyFile, link, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Env, systemEnv } from '@skiff/machinery'
import { importImage } from '../images/import-image.ts'
import { packImage } from '../images/pack-image.ts'
import type { ContainerConfig, SandboxConfig } from '../runtimes/runtime.ts'
import { type Containerd, startContainerd } from './containerd.ts'
import type { ContainerdOptions } from './containerd-options.ts'
import { mountsUnder } from './mounts.ts'
import { tryCommand } from './run-command.ts'
import { findCniPlugins, findProgram } from './system-facts.ts'
import { findStaticBusybox } from './system-packages.ts'

/** Why tests with a real containerd cannot run on this machine; undefined when they can. */
export const whyNoContainerd = async (): Promise<string | undefined> => {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'this is not root'
  for (const program of ['containerd', 'ctr', 'runc', 'ip', 'nsenter'])
    if ((await findProgram(program)) === undefined) return `${program} is not installed`
  if ((await findCniPlugins()) === undefined) return 'the CNI plugins are not installed'
  if ((await findStaticBusybox()) === undefined) return 'busybox-static is not installed'
  return undefined
}

export const testImage = 'skiff.local/busybox:1'

/** A real containerd for one test file, with a busybox image in it. */
export interface TestContainerd {
  readonly env: Env
  readonly directory: string
  readonly options: ContainerdOptions
  readonly containerd: Containerd
  /** A pod of these tests; its logs go to `<directory>/logs/<name>`. */
  sandbox(name: string, more?: Partial<SandboxConfig>): SandboxConfig
  /** A container of the busybox image that runs a shell script. */
  container(name: string, script: string, more?: Partial<ContainerConfig>): ContainerConfig
  /** What is on the machine of this containerd: nothing after a teardown. */
  traces(): Promise<readonly string[]>
  cleanUp(): Promise<void>
}

/** Directory of a root file system with busybox under each of its common names. */
export const makeBusyboxRoot = async (directory: string): Promise<string> => {
  const busybox = (await findStaticBusybox()) ?? ''
  for (const name of ['bin', 'tmp', 'etc']) await mkdir(join(directory, name), { recursive: true })
  await copyFile(busybox, join(directory, 'bin', 'busybox'))
  for (const applet of ['sh', 'cat', 'echo', 'sleep', 'id', 'ip', 'ls', 'true', 'wget', 'nc', 'mount', 'hostname', 'kill', 'ps'])
    await link(join(directory, 'bin', 'busybox'), join(directory, 'bin', applet))
  return directory
}

// Test files run side by side, each in a process of its own, so the process id tells their traces apart.
const optionsIn = (directory: string, label: string): ContainerdOptions => ({
  root: join(directory, 'root'),
  state: `/run/skiff-test-${process.pid}-${label}`,
  logFile: join(directory, 'containerd.log'),
  cgroupRoot: `/skiff-test-${process.pid}-${label}`,
  network: {
    name: `skiff-test-${process.pid}-${label}`,
    bridge: `skt${process.pid}${label}`,
    subnets: [`10.${200 + (process.pid % 50)}.0.0/24`],
  },
})

/** Starts one; `label` is a letter that differs where one process starts several. */
export const startTestContainerd = async (label = 'a', more: Partial<ContainerdOptions> = {}): Promise<TestContainerd> => {
  const env = systemEnv()
  const directory = await mkdtemp(join(tmpdir(), 'skiff-containerd-'))
  const options = { ...optionsIn(directory, label), ...more }
  const containerd = await startContainerd(env, options)
  const out = join(directory, 'busybox.tar')
  await packImage({ fromDir: await makeBusyboxRoot(join(directory, 'busybox')), name: testImage, cmd: ['sh'], out })
  await importImage(env, containerd.images, containerd.runtime, out)
  return {
    env,
    directory,
    options,
    containerd,
    sandbox: (name, config = {}) => ({
      podName: name,
      podNamespace: 'tests',
      podUid: `uid-${name}`,
      attempt: 0,
      hostname: name,
      logDirectory: join(directory, 'logs', name),
      labels: {},
      annotations: {},
      cgroupParent: `${options.cgroupRoot}/${name}`,
      security: { namespaces: { network: 'pod', pid: 'container', ipc: 'pod' } },
      ...config,
    }),
    container: (name, script, config = {}) => ({
      name,
      attempt: 0,
      image: testImage,
      imageRef: testImage,
      command: ['/bin/sh', '-c', script],
      args: [],
      workingDir: '',
      env: [],
      mounts: [],
      labels: {},
      annotations: {},
      logPath: `${name}.log`,
      ...config,
    }),
    traces: () => tracesOf(options),
    cleanUp: async () => {
      await containerd.teardown()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const tracesOf = async ({ state, root, cgroupRoot, network }: ContainerdOptions): Promise<readonly string[]> => {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    const commandLine = /^\d+$/.test(pid) ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : ''
    if (commandLine.includes(state)) found.push(`process ${pid}: ${commandLine.replaceAll('\0', ' ')}`)
  }
  for (const path of await mountsUnder([state, root])) found.push(`mount ${path}`)
  for (const hierarchy of ['', ...(await readdir('/sys/fs/cgroup'))])
    if (await exists(join('/sys/fs/cgroup', hierarchy, cgroupRoot ?? ''))) found.push(`cgroup ${hierarchy}${cgroupRoot}`)
  if ((await tryCommand('ip', ['link', 'show', network.bridge])).exitCode === 0) found.push(`link ${network.bridge}`)
  for (const path of [state, root]) if (await exists(path)) found.push(`directory ${path}`)
  for (const name of await readdir('/var/lib/cni/results').catch(() => [])) if (name.startsWith(network.name)) found.push(`result ${name}`)
  return found
}
