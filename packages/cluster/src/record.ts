import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Ranges } from '@skiff/network'
import { defaultDir, type Place, placeAt, pointerOf } from './place.ts'

export type RuntimeName = 'containerd' | 'simulated'

export interface NodeRecord {
  readonly name: string
  /** From 1; the first is the host itself. Addresses follow from it. */
  readonly number: number
  /** Stopped by `skiff node stop`: not started again by `up`. */
  readonly stopped?: boolean
}

/** A process, told apart from a later one with the same id by the time of its start. */
export interface ProcessMark {
  readonly pid: number
  /** Field 22 of /proc/PID/stat. */
  readonly startTicks: string
}

/** What a cluster of this machine is: written by `up`, read by every other command. */
export interface ClusterRecord {
  readonly format: 1
  readonly name: string
  readonly runtime: RuntimeName
  readonly controlPlaneOnly: boolean
  readonly apiPort: number
  readonly nodes: readonly NodeRecord[]
  readonly ranges: Ranges
  readonly controllers: readonly string[]
  /** The server's process while it runs. */
  readonly server?: ProcessMark
}

/** A plain sentence for the user; printed without a stack. */
export class UserError extends Error {}

export const readRecord = (place: Place): ClusterRecord | undefined => {
  if (!existsSync(place.record)) return undefined
  let value: ClusterRecord
  try {
    value = JSON.parse(readFileSync(place.record, 'utf8')) as ClusterRecord
  } catch (error) {
    throw new UserError(`${place.record} cannot be read (${(error as Error).message}); move ${place.dir} away, or remove it to begin anew`)
  }
  if (value.format !== 1)
    throw new UserError(
      `${place.dir} was written by another version of Skiff (format ${String(value.format)}); use that version, or another --data directory`,
    )
  return value
}

/** Written whole or not at all. */
export const writeRecord = (place: Place, record: ClusterRecord): void => {
  const part = `${place.record}.part`
  writeFileSync(part, `${JSON.stringify(record, null, 2)}\n`)
  renameSync(part, place.record)
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

export const markOf = (pid: number): ProcessMark | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; only its parent has not looked yet.
    return fields[0] === 'Z' ? undefined : { pid, startTicks: fields[19] as string }
  } catch {
    return undefined
  }
}

export const isRunning = (mark: ProcessMark | undefined): boolean => mark !== undefined && markOf(mark.pid)?.startTicks === mark.startTicks
