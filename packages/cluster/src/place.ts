import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where a cluster of this machine keeps its things. */
export interface Place {
  readonly name: string
  /** Everything that lasts: store, keys, images, volumes. */
  readonly dir: string
  /** Sockets and mounts; gone after a boot. */
  readonly run: string
  readonly pki: string
  readonly store: string
  readonly journal: string
  readonly kubeconfig: string
  /** What `up` was asked for and what it chose. */
  readonly record: string
}

export const isRoot = (): boolean => process.getuid?.() === 0

const baseDir = (): string => (isRoot() ? '/var/lib/skiff' : join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'skiff'))
const runBase = (): string => (isRoot() ? '/run/skiff' : join(process.env.XDG_RUNTIME_DIR ?? join(baseDir(), 'run'), 'skiff'))

/** The pointer from a cluster's name to a directory given with --data. */
const pointer = (name: string): string => join(baseDir(), `${name}.place`)

export const validName = (name: string): boolean => /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)

export const placeAt = (name: string, dir: string): Place => ({
  name,
  dir,
  run: join(runBase(), name),
  pki: join(dir, 'pki'),
  store: join(dir, 'store'),
  journal: join(dir, 'journal.log'),
  kubeconfig: join(dir, 'kubeconfig'),
  record: join(dir, 'cluster.json'),
})

export const pointerOf = pointer
/** Held while a cluster is being changed. */
export const clusterLock = (name: string): string => join(baseDir(), `${name}.lock`)
/** Held while ranges and ports are chosen. No cluster's name has a dot. */
export const rangesLock = (): string => join(baseDir(), 'ranges.chosen.lock')
export const defaultDir = (name: string): string => join(baseDir(), name)

/** What a cluster puts into its directory; other files there are not its own. */
export const ownFiles: readonly string[] = [
  'cluster.json',
  'cluster.json.part',
  'kubeconfig',
  'journal.log',
  'journal.log.old',
  'pki',
  'store',
  'nodes',
]

/** Names of the clusters that this user has on this machine. */
export const clusterNames = (): readonly string[] => {
  const base = baseDir()
  if (!existsSync(base)) return []
  const names = readdirSync(base, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory() && existsSync(join(base, entry.name, 'cluster.json'))) return [entry.name]
    return entry.name.endsWith('.place') ? [entry.name.slice(0, -'.place'.length)] : []
  })
  return [...new Set(names)].sort()
}

export const ensureBase = (): void => {
  mkdirSync(baseDir(), { recursive: true, mode: 0o755 })
}
