import { readFile } from 'node:fs/promises'
import type { Log } from '@skiff/machinery'
import { tryCommand } from './run-command.ts'
import { findCniPlugins, findProgram } from './system-facts.ts'

/** What a node needs of its machine, and the Debian package that brings it. */
const needs = [
  { what: 'containerd', debianPackage: 'containerd' },
  { what: 'ctr', debianPackage: 'containerd' },
  { what: 'containerd-shim-runc-v2', debianPackage: 'containerd' },
  { what: 'runc', debianPackage: 'runc' },
  { what: 'CNI plugins', debianPackage: 'containernetworking-plugins' },
  { what: 'iptables', debianPackage: 'iptables' },
  { what: 'nft', debianPackage: 'nftables' },
  { what: 'ip', debianPackage: 'iproute2' },
  { what: 'conntrack', debianPackage: 'conntrack' },
  { what: 'nsenter', debianPackage: 'util-linux' },
  { what: 'umount', debianPackage: 'mount' },
  { what: 'busybox', debianPackage: 'busybox-static' },
] as const

export type SystemNeed = (typeof needs)[number]['what']

export interface SystemPackages {
  /** Packages installed by this call. */
  readonly installed: readonly string[]
  /** What is still not there: nothing when the machine is ready. */
  readonly missing: readonly SystemNeed[]
  /** The packages that would bring it on Debian and Ubuntu. */
  readonly packages: readonly string[]
}

const missingNeeds = async (): Promise<readonly SystemNeed[]> => {
  const found = await Promise.all(
    needs.map(({ what }) => (what === 'CNI plugins' ? findCniPlugins() : what === 'busybox' ? findStaticBusybox() : findProgram(what))),
  )
  return needs.filter((_, index) => found[index] === undefined).map(({ what }) => what)
}

/** Without duplicates, in the order of need. */
export const packagesFor = (missing: readonly SystemNeed[]): readonly string[] => [
  ...new Set(needs.filter(({ what }) => missing.includes(what)).map(({ debianPackage }) => debianPackage)),
]

/** True of Debian and what derives from it, by the text of /etc/os-release. */
export const isDebianLike = (osRelease: string): boolean =>
  osRelease.split('\n').some((line) => {
    const [key, value = ''] = line.split('=')
    return (key === 'ID' || key === 'ID_LIKE') && /\b(debian|ubuntu)\b/.test(value)
  })

/** A busybox that needs no libraries, as an image packed of it alone must not. */
export const findStaticBusybox = async (): Promise<string | undefined> => {
  const path = await findProgram('busybox')
  return path !== undefined && isStatic(await readFile(path)) ? path : undefined
}

const ptInterp = 3

/** Whether a 64-bit ELF names no interpreter (the dynamic loader). */
export const isStatic = (program: Buffer): boolean => {
  if (program.length < 64 || program.readUInt32BE(0) !== 0x7f454c46 || program[4] !== 2) return false
  const offset = Number(program.readBigUInt64LE(32))
  const size = program.readUInt16LE(54)
  const count = program.readUInt16LE(56)
  if (offset + size * count > program.length) return false
  return Array.from({ length: count }, (_, index) => program.readUInt32LE(offset + size * index)).every((type) => type !== ptInterp)
}

/**
 * Finds what a node needs on this machine and installs what is missing with apt-get, where that is possible: root, Debian or Ubuntu.
 * Otherwise, and where the installation fails, it says what is missing.
 */
export const ensureSystemPackages = async (log: Log): Promise<SystemPackages> => {
  const missing = await missingNeeds()
  const packages = packagesFor(missing)
  if (missing.length === 0) return { installed: [], missing, packages }
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '')
  if (process.getuid?.() !== 0 || !isDebianLike(osRelease) || (await findProgram('apt-get')) === undefined)
    return { installed: [], missing, packages }
  log.info('installing system packages', { packages })
  // The lists may be absent (container images) or old: they are fetched only when the first try fails.
  const failure = (await install(packages)) && ((await aptGet(['update'])) ?? (await install(packages)))
  if (failure) log.warn('apt-get failed', { error: failure })
  const still = await missingNeeds()
  const left = packagesFor(still)
  return { installed: packages.filter((name) => !left.includes(name)), missing: still, packages: left }
}

const install = (packages: readonly string[]): Promise<string | undefined> =>
  aptGet(['install', '--yes', '--no-install-recommends', ...packages])

/** Undefined when it succeeded, else its last words. */
const aptGet = async (args: readonly string[]): Promise<string | undefined> => {
  const { exitCode, stderr } = await tryCommand('apt-get', ['--quiet=2', ...args], { DEBIAN_FRONTEND: 'noninteractive' })
  return exitCode === 0 ? undefined : stderr.trim().split('\n').at(-1) || `apt-get ended with ${exitCode}`
}
