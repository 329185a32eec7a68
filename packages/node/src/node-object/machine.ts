import { readFile, statfs } from 'node:fs/promises'
import { arch, availableParallelism, release, totalmem } from 'node:os'
import type { NodeSystemInfo } from '@skiff/api'

/** What a node has, and what it is: of this machine, or made up for a simulated one. */
export interface Machine {
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly pods: number
  readonly info: Omit<NodeSystemInfo, 'containerRuntimeVersion' | 'kubeletVersion' | 'kubeProxyVersion'>
  /** What is free now. Undefined: nobody measures, so nothing presses. */
  readonly free?: () => Promise<FreeSpace>
}

export interface FreeSpace {
  readonly memoryBytes: number
  /** Shares of the file system that pods write to. */
  readonly diskShare: number
  readonly inodesShare: number
}

const goArch: Record<string, string> = { x64: 'amd64', ia32: '386' }

const read = async (path: string): Promise<string> => (await readFile(path, 'utf8').catch(() => '')).trim()

/** The machine that this process runs on; `root` lies on the disk that pods use. */
export const thisMachine = async (root: string, maxPods = 110): Promise<Machine> => {
  const osRelease = await read('/etc/os-release')
  const disk = await statfs(root)
  return {
    cpuMilli: availableParallelism() * 1000,
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    pods: maxPods,
    info: {
      machineID: await read('/etc/machine-id'),
      systemUUID: (await read('/sys/class/dmi/id/product_uuid')) || (await read('/etc/machine-id')),
      bootID: await read('/proc/sys/kernel/random/boot_id'),
      kernelVersion: release(),
      osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
      operatingSystem: 'linux',
      architecture: goArch[arch()] ?? arch(),
    },
    free: () => freeSpace(root),
  }
}

const freeSpace = async (root: string): Promise<FreeSpace> => {
  const disk = await statfs(root)
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(await read('/proc/meminfo'))?.[1]
  return {
    memoryBytes: Number(available ?? 0) * 1024,
    diskShare: disk.blocks === 0 ? 1 : disk.bavail / disk.blocks,
    // Some file systems count no inodes.
    inodesShare: disk.files === 0 ? 1 : disk.ffree / disk.files,
  }
}

/** A machine that exists nowhere. */
export const simulatedMachine = (name: string, size: { cpu?: number; memoryBytes?: number; pods?: number } = {}): Machine => ({
  cpuMilli: (size.cpu ?? 32) * 1000,
  memoryBytes: size.memoryBytes ?? 256 * 2 ** 30,
  diskBytes: 1024 * 2 ** 30,
  pods: size.pods ?? 110,
  info: {
    machineID: name,
    systemUUID: name,
    bootID: name,
    kernelVersion: 'simulated',
    osImage: 'Skiff simulated node',
    operatingSystem: 'linux',
    architecture: 'amd64',
  },
})

// Upstream's reserves. Pressure is told later than upstream tells it: laptops and CI machines live with disks nine tenths full.
const reservedMemoryBytes = 100 * 2 ** 20
const reservedDiskShare = 0.1
const leastDiskShare = 0.01
const leastInodesShare = 0.01

export const capacityOf = (machine: Machine): Record<string, string> => ({
  cpu: machine.cpuMilli % 1000 === 0 ? String(machine.cpuMilli / 1000) : `${machine.cpuMilli}m`,
  'ephemeral-storage': `${Math.floor(machine.diskBytes / 1024)}Ki`,
  'hugepages-1Gi': '0',
  'hugepages-2Mi': '0',
  memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
  pods: String(machine.pods),
})

/** What pods may have: the capacity less what eviction keeps free. */
export const allocatableOf = (machine: Machine): Record<string, string> => ({
  ...capacityOf(machine),
  'ephemeral-storage': String(Math.floor(machine.diskBytes * (1 - reservedDiskShare))),
  memory: `${Math.floor((machine.memoryBytes - reservedMemoryBytes) / 1024)}Ki`,
})

export interface Pressure {
  readonly memory: boolean
  readonly disk: boolean
}

export const pressureOf = (free: FreeSpace): Pressure => ({
  memory: free.memoryBytes < reservedMemoryBytes,
  disk: free.diskShare < leastDiskShare || free.inodesShare < leastInodesShare,
})
