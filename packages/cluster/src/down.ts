import { rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { hasRealNodes } from './cluster-network.ts'
import { withClusterLock } from './lock.ts'
import { isRoot, ownFiles, type Place, pointerOf } from './place.ts'
import { isRunning } from './process-mark.ts'
import { type ClusterRecord, requireRecord, writeRecord } from './record.ts'
import { type Tell, UserError } from './talk.ts'

const stopMs = 20_000

/** Ends a cluster and removes what it made on the machine; with `keepData` its objects and images stay for the next `up`. */
export const down = async (name: string, keepData: boolean, tell: Tell): Promise<void> => {
  requireRecord(name)
  await withClusterLock(name, () => downLocked(name, keepData, tell))
}

const downLocked = async (name: string, keepData: boolean, tell: Tell): Promise<void> => {
  const { place, record } = requireRecord(name)
  const real = hasRealNodes(record)
  if (real && !isRoot()) throw new UserError('this cluster runs real containers; use sudo to take it down')
  await stopServer(record)
  tell('server stopped')
  if (real) {
    await (await import('./machine-removal.ts')).removeNodes(place, record, keepData)
    tell('containers, networks and mounts removed')
  }
  if (keepData) {
    const { server: _server, ready: _ready, ...rest } = record
    try {
      writeRecord(place, rest)
    } catch (error) {
      // The process that the record still names has ended, and is taken for nothing else.
      tell(`cluster.json stays as it was: ${(error as Error).message}`)
    }
    rmSync(place.run, { recursive: true, force: true })
    tell(`data kept in ${place.dir}`)
  } else removeFiles(place)
  tell(`cluster ${name} is down`)
}

/** Asks the server to end, and ends it by force when it does not. */
const stopServer = async (record: ClusterRecord): Promise<void> => {
  const { server } = record
  if (!server || !isRunning(server)) return
  const env = systemEnv()
  process.kill(server.pid, 'SIGTERM')
  const deadline = env.monotonicMs() + stopMs
  while (isRunning(server)) {
    await env.sleep(20)
    if (env.monotonicMs() > deadline) {
      if (isRunning(server)) process.kill(server.pid, 'SIGKILL')
      await env.sleep(100)
      return
    }
  }
}

const removeFiles = (place: Place): void => {
  for (const name of ownFiles) rmSync(join(place.dir, name), { recursive: true, force: true })
  try {
    rmdirSync(place.dir)
  } catch {
    // It holds files that are not the cluster's, or is a file system of its own.
  }
  rmSync(place.run, { recursive: true, force: true })
  rmSync(pointerOf(place.name), { force: true })
}
