import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { hasRealNodes } from './cluster-network.ts'
import { withClusterLock, withRangesLock } from './lock.ts'
import { ensureBase, type Place, placeAt, pointerOf, validName } from './place.ts'
import { isRunning } from './process-mark.ts'
import { type ClusterRecord, findPlace, readRecord, writeRecord } from './record.ts'
import { choosePort, newRecord, refuseChanges, withChanges } from './record-choice.ts'
import { startServer } from './start-server.ts'
import { describeStatus } from './status.ts'
import { type Tell, UserError } from './talk.ts'
import type { UpOptions } from './up-options.ts'

/** Makes or starts a cluster and returns when it is ready; it then runs in the background. */
export const up = async (options: UpOptions, tell: Tell): Promise<void> => {
  if (!validName(options.name))
    throw new UserError(`${JSON.stringify(options.name)} is no cluster name: lower-case letters, digits and dashes, at most 32`)
  if (options.controllers !== undefined) await refuseUnknownControllers(options.controllers)
  await withClusterLock(options.name, () => upLocked(options, tell))
}

/** In upstream's words. */
const refuseUnknownControllers = async (list: string): Promise<void> => {
  const { unknownController } = await import('@skiff/controllers')
  const unknown = unknownController(list.split(','))
  if (unknown !== undefined) throw new UserError(`--controllers: ${JSON.stringify(unknown)} is not in the list of known controllers`)
}

const upLocked = async (options: UpOptions, tell: Tell): Promise<void> => {
  const place = placeFor(options)
  const held = readRecord(place)
  if (held && isRunning(held.server)) {
    refuseChanges(held, options)
    tell(`cluster ${held.name} is running already`)
    await untilReady(place, tell)
    tell(await describeStatus(place, readRecord(place) ?? held))
    return
  }
  if (!held) refuseForeign(place.dir)
  const record = await recordFor(place, held, options, tell)
  try {
    await startServer(place, record, tell)
  } catch (error) {
    // Containers of a cluster that was here before may run, and are taken up by the next start. A new one has none.
    if (!held) await clearMachine(place, record)
    throw error
  }
  const started = readRecord(place) as ClusterRecord
  tell(`cluster ${record.name} is ready: https://127.0.0.1:${started.apiPort}`)
  tell(`  export KUBECONFIG=${place.kubeconfig}`)
  tell(`  kubectl get nodes          (or: skiff get nodes)`)
}

/** Its files stay, since the journal says more; `down` removes them, and the next `up` goes on from them. */
const clearMachine = async (place: Place, record: ClusterRecord): Promise<void> => {
  if (hasRealNodes(record)) await (await import('./machine-removal.ts')).removeNodes(place, record, true)
  rmSync(place.run, { recursive: true, force: true })
  writeRecord(place, record)
}

/** What the cluster is to be, written down before it starts. Ranges and ports are chosen by one process at a time. */
const recordFor = async (place: Place, held: ClusterRecord | undefined, options: UpOptions, tell: Tell): Promise<ClusterRecord> => {
  const asked = held ? withChanges(held, options) : undefined
  const record = await withRangesLock(async () => {
    const whole = await choosePort(asked ?? (await newRecord(options, tell)))
    mkdirSync(place.dir, { recursive: true, mode: 0o755 })
    ensureBase()
    writeRecord(place, whole)
    if (options.data) writeFileSync(pointerOf(options.name), `${place.dir}\n`)
    return whole
  })
  if (hasRealNodes(record)) await ensurePackages(tell)
  return record
}

const placeFor = (options: UpOptions): Place => {
  if (!options.data) return findPlace(options.name)
  const known = findPlace(options.name)
  const dir = resolve(options.data)
  if (known.dir !== dir && existsSync(known.record))
    throw new UserError(
      `cluster ${JSON.stringify(options.name)} lies in ${known.dir}; remove it with \`skiff down\`, or give another --name`,
    )
  return placeAt(options.name, dir)
}

/** What may lie in a directory without a cluster.json: parts of a cluster that somebody kept, and what a file system has at its root. */
const remains: readonly string[] = ['journal.log', 'journal.log.old', 'pki', 'store', 'nodes', 'lost+found']

/** A directory with other things in it is not made a cluster of. */
const refuseForeign = (dir: string): void => {
  if (!existsSync(dir)) return
  if (!statSync(dir).isDirectory()) throw new UserError(`${dir} is no directory; give an empty or new one`)
  const others = readdirSync(dir).filter((name) => !remains.includes(name))
  if (others.length > 0)
    throw new UserError(`${dir} holds other files (${others.slice(0, 3).join(', ')}) and no cluster; give an empty or new directory`)
}

const readyMs = 90_000

/** Waits for a server that somebody else started: an `up` that was interrupted leaves one that goes on. */
const untilReady = async (place: Place, tell: Tell): Promise<void> => {
  const env = systemEnv()
  const deadline = env.monotonicMs() + readyMs
  let told = false
  for (;;) {
    const record = readRecord(place)
    if (record?.ready) return
    if (!isRunning(record?.server))
      throw new UserError(`its server ended while it was starting; see \`skiff journal --name ${place.name}\``)
    if (env.monotonicMs() > deadline)
      throw new UserError(`its server is still starting after ${readyMs / 1000} s; see \`skiff journal --name ${place.name}\``)
    if (!told) tell('  it is still starting')
    told = true
    await env.sleep(100)
  }
}

const ensurePackages = async (tell: Tell): Promise<void> => {
  const log = {
    debug() {},
    info: (text: string, facts?: Record<string, unknown>) => tell(`${text}: ${JSON.stringify(facts?.packages ?? '')}`),
    warn: tell,
    error: tell,
    child: () => log,
  }
  const { ensureSystemPackages } = await import('@skiff/node')
  const { missing, packages } = await ensureSystemPackages(log)
  if (missing.length > 0)
    throw new UserError(
      `this machine lacks ${missing.join(', ')}; install them (Debian: apt-get install ${packages.join(' ')}), or use --runtime simulated`,
    )
}
