import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { hostname } from 'node:os'
import { basename, resolve } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { chooseRanges, takenRanges } from '@skiff/network'
import { ensureBase, isRoot, type Place, placeAt, pointerOf, validName } from './place.ts'
import { type ClusterRecord, findPlace, isRunning, type RuntimeName, readRecord, UserError, writeRecord } from './record.ts'
import { describeStatus } from './status.ts'

export interface UpOptions {
  readonly name: string
  readonly nodes?: number
  readonly data?: string
  readonly apiPort?: number
  readonly runtime?: string
  readonly controlPlaneOnly?: boolean
  readonly controllers?: string
}

/** Prints a sentence about progress. */
export type Tell = (text: string) => void

/** Makes or starts a cluster and returns when it is ready; it then runs in the background. */
export const up = async (options: UpOptions, tell: Tell): Promise<void> => {
  if (!validName(options.name))
    throw new UserError(`${JSON.stringify(options.name)} is no cluster name: lower-case letters, digits and dashes, at most 32`)
  const place = placeFor(options)
  const held = readRecord(place)
  if (held && isRunning(held.server)) {
    refuseChanges(held, options)
    tell(`cluster ${held.name} is running already`)
    tell(await describeStatus(place, held))
    return
  }
  if (!held) refuseForeign(place.dir)
  const record = held ? { ...held, ...(options.apiPort ? { apiPort: options.apiPort } : {}) } : await newRecord(options, tell)
  if (record.runtime === 'containerd' && !record.controlPlaneOnly) await ensurePackages(tell)
  await ensurePortFree(record)
  mkdirSync(place.dir, { recursive: true, mode: 0o755 })
  ensureBase()
  if (options.data) writeFileSync(pointerOf(options.name), `${place.dir}\n`)
  writeRecord(place, record)
  await startServer(place, record, tell)
  const started = readRecord(place) as ClusterRecord
  tell(`cluster ${record.name} is ready: https://127.0.0.1:${started.apiPort}`)
  tell(`  export KUBECONFIG=${place.kubeconfig}`)
  tell(`  kubectl get nodes          (or: skiff get nodes)`)
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

/** A directory with other things in it is not made a cluster of. */
const refuseForeign = (dir: string): void => {
  if (!existsSync(dir)) return
  const others = readdirSync(dir).filter((name) => !['journal.log', 'pki', 'store', 'nodes'].includes(name))
  if (others.length > 0)
    throw new UserError(`${dir} holds other files (${others.slice(0, 3).join(', ')}) and no cluster; give an empty or new directory`)
}

const refuseChanges = (held: ClusterRecord, options: UpOptions): void => {
  const nodes = options.nodes
  if (nodes !== undefined && nodes !== held.nodes.length)
    throw new UserError(
      `cluster ${held.name} runs with ${held.nodes.length} node(s); \`skiff down --name ${held.name}\` first, then \`skiff up --nodes ${nodes}\``,
    )
}

const newRecord = async (options: UpOptions, tell: Tell): Promise<ClusterRecord> => {
  const runtime = chooseRuntime(options, tell)
  const count = options.nodes ?? 1
  if (!Number.isInteger(count) || count < 1 || count > 200) throw new UserError('--nodes takes a whole number from 1 to 200')
  const real = runtime === 'containerd' && !options.controlPlaneOnly
  const nodes = options.controlPlaneOnly
    ? []
    : Array.from({ length: count }, (_, index) => ({ name: nodeName(index + 1, options.name, real), number: index + 1 }))
  return {
    format: 1,
    name: options.name,
    runtime,
    controlPlaneOnly: options.controlPlaneOnly === true,
    apiPort: options.apiPort ?? 0,
    nodes,
    ranges: chooseRanges(real ? await takenRanges(options.name) : []),
    controllers: (options.controllers ?? '*').split(','),
  }
}

/** The first node is the host and carries its name, as far as that is a node's name. */
const nodeName = (number: number, cluster: string, real: boolean): string => {
  const host = hostname().toLowerCase()
  if (number === 1 && real && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host)) return host
  return cluster === 'default' ? `node-${number}` : `${cluster}-node-${number}`
}

const chooseRuntime = (options: UpOptions, tell: Tell): RuntimeName => {
  const { runtime } = options
  if (runtime !== undefined && runtime !== 'containerd' && runtime !== 'simulated')
    throw new UserError(`there is no runtime ${JSON.stringify(runtime)}; choose containerd or simulated`)
  const able = isRoot() && process.platform === 'linux'
  if (runtime === 'containerd' && !able && !options.controlPlaneOnly)
    throw new UserError('real containers need root on Linux; use sudo, or --runtime simulated')
  if (runtime !== undefined) return runtime
  if (able) return 'containerd'
  if (!options.controlPlaneOnly)
    tell(
      `${process.platform === 'linux' ? 'not root' : 'not Linux'}: containers are simulated (nothing really runs in them); real ones need root on Linux`,
    )
  return 'simulated'
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

/** The default port is 6443; where that is taken and none was named, any free one is chosen by the server. */
const ensurePortFree = async (record: ClusterRecord): Promise<void> => {
  if (record.apiPort === 0) {
    if (await portFree(6443)) Object.assign(record, { apiPort: 6443 })
    return
  }
  if (!(await portFree(record.apiPort)))
    throw new UserError(`port ${record.apiPort} is taken by another program; choose another with --api-port`)
}

const portFree = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const probe = createServer()
    probe.once('error', () => done(false))
    probe.listen(port, '0.0.0.0', () => probe.close(() => done(true)))
  })

/** A young generation of 8 MB a half: twice that is twice the memory of an idle server, and no write is faster for it. */
const serverFlags = ['--max-semi-space-size=8']

/** Starts the server in the background and waits for its word. */
const startServer = async (place: Place, record: ClusterRecord, tell: Tell): Promise<void> => {
  const journal = openSync(place.journal, 'a', 0o640)
  const [entry] = process.argv.slice(1, 2)
  const args = [...process.execArgv, ...serverFlags, entry as string, 'serve', '--name', record.name, '--dir', place.dir]
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', journal, journal, 'ipc'],
    cwd: '/',
  })
  closeSync(journal)
  const env = systemEnv()
  const began = env.monotonicMs()
  await new Promise<void>((ready, failed) => {
    child.on('message', (message: { step?: string; ready?: boolean; failed?: string }) => {
      if (message.step) tell(`  ${message.step} (${((env.monotonicMs() - began) / 1000).toFixed(1)} s)`)
      if (message.ready) ready()
      if (message.failed) failed(new UserError(message.failed))
    })
    child.once('exit', (code, signal) =>
      failed(
        new UserError(
          `the server ended at once (${signal ?? `exit code ${code}`}); see \`skiff journal\` or ${basename(place.journal)} in ${place.dir}`,
        ),
      ),
    )
    child.once('error', (error) => failed(new UserError(`the server could not be started: ${error.message}`)))
  })
  child.disconnect()
  child.unref()
}

export const removeCluster = (place: Place): void => {
  rmSync(place.dir, { recursive: true, force: true })
  rmSync(place.run, { recursive: true, force: true })
  rmSync(pointerOf(place.name), { force: true })
}
