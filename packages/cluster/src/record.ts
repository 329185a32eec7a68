import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import type { Ranges } from '@skiff/network'
import type { NodeFlags } from './node-flags.ts'
import { clusterNames, defaultDir, type Place, placeAt, pointerOf } from './place.ts'
import { isRunning, type ProcessMark } from './process-mark.ts'
import type { RequestLimits } from './request-limits.ts'
import { UserError } from './talk.ts'

export type RuntimeName = 'containerd' | 'simulated'

export interface NodeRecord {
  readonly name: string
  /** From 1; the first is the host itself. Addresses follow from it. */
  readonly number: number
  /** Stopped by `skiff node stop`: not started again by `up`. */
  readonly stopped?: boolean
}

/** What a cluster of this machine is: written by `up`, read by every other command. */
export interface ClusterRecord {
  readonly format: 1
  readonly name: string
  readonly runtime: RuntimeName
  readonly controlPlaneOnly: boolean
  /** How many nodes the server plays itself; such a cluster has no others. */
  readonly simulatedNodes?: number
  /** The text of the simulation file. */
  readonly simulation?: string
  /** Where it lies, and the files that it names. */
  readonly simulationDir?: string
  readonly apiPort: number
  readonly nodes: readonly NodeRecord[]
  readonly ranges: Ranges
  /** As --service-cluster-ip-range gives it, of one family or two; absent: `ranges.services`. */
  readonly serviceRange?: string
  /** As --service-node-port-range gives it; absent: 30000-32767. */
  readonly nodePortRange?: string
  readonly controllers: readonly string[]
  /** Absolute paths: the scheduler's configuration, and the files of plugins out of the tree. */
  readonly schedulerConfig?: string
  readonly schedulerPlugins?: readonly string[]
  /** As --feature-gates and --runtime-config give them; absent: those of 1.33. */
  readonly featureGates?: string
  readonly runtimeConfig?: string
  /** How many requests the API server works on at a time; absent: upstream's defaults. */
  readonly requestLimits?: RequestLimits
  /** When nodes count as lost; absent: upstream's defaults. */
  readonly nodeFlags?: NodeFlags
  /** The API versions that upstream removed are served as well. */
  readonly legacyApis?: boolean
  /** Bootstrap tokens authenticate. */
  readonly bootstrapTokens?: boolean
  /** The server's process, from its first moment on. */
  readonly server?: ProcessMark
  /** That process has told that everything is ready. */
  readonly ready?: boolean
}

export const readRecord = (place: Place): ClusterRecord | undefined => {
  if (!existsSync(place.record)) return undefined
  const broken = (why: string) =>
    new UserError(`${place.record} cannot be read (${why}); move ${place.dir} away, or remove it to begin anew`)
  let value: ClusterRecord
  try {
    value = JSON.parse(readFileSync(place.record, 'utf8')) as ClusterRecord
  } catch (error) {
    throw broken((error as Error).message)
  }
  if (typeof value !== 'object' || value === null) throw broken('it holds no object')
  if (value.format !== 1)
    throw new UserError(
      `${place.dir} was written by another version of Skiff (format ${String(value.format)}); use that version, or another --data directory`,
    )
  if (!Array.isArray(value.nodes) || !Array.isArray(value.controllers) || typeof value.ranges !== 'object')
    throw broken('parts of it are missing')
  return value
}

/** Written whole or not at all. */
export const writeRecord = (place: Place, record: ClusterRecord): void => {
  const part = `${place.record}.part`
  try {
    const file = openSync(part, 'w', 0o644)
    try {
      writeSync(file, `${JSON.stringify(record, null, 2)}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(part, place.record)
  } catch (error) {
    rmSync(part, { force: true })
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    throw new UserError(`the disk of ${place.dir} is full: make space, then try again`)
  }
}

/** Changes what is recorded now, which may be newer than what the caller has read. */
export const changeRecord = (place: Place, change: (record: ClusterRecord) => ClusterRecord): void => {
  const record = readRecord(place)
  if (record) writeRecord(place, change(record))
}

/** The place of a cluster by its name: the usual directory, or that which --data named when it was made. */
export const findPlace = (name: string): Place => {
  const pointer = pointerOf(name)
  const dir = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : defaultDir(name)
  return placeAt(name, dir)
}

export const requireRecord = (name: string): { readonly place: Place; readonly record: ClusterRecord } => {
  const place = findPlace(name)
  const record = readRecord(place)
  if (!record)
    throw new UserError(
      `there is no cluster ${JSON.stringify(name)} on this machine; \`skiff up${name === 'default' ? '' : ` --name ${name}`}\` makes one`,
    )
  return { place, record }
}

/** Every cluster of this user; what cannot be read is left out. */
export const allRecords = (): readonly { readonly place: Place; readonly record: ClusterRecord }[] =>
  clusterNames().flatMap((name) => {
    try {
      return [requireRecord(name)]
    } catch {
      return []
    }
  })

/**
 * The cluster that a user means who named none: the one that SKIFF_CLUSTER names, `default`, or when that does not run, the only one
 * that does. Undefined when there is none.
 */
export const chosenCluster = (variables: NodeJS.ProcessEnv): Place | undefined => {
  if (variables.SKIFF_CLUSTER) return requireRecord(variables.SKIFF_CLUSTER).place
  const all = allRecords()
  const running = all.filter(({ record }) => isRunning(record.server))
  const usual = ({ place }: { place: Place }) => place.name === 'default'
  const chosen = running.find(usual) ?? (running.length === 1 ? running[0] : all.find(usual))
  return chosen?.place
}
