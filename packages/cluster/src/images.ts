import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, systemEnv } from '@skiff/machinery'
import { importImage, openCriRuntime, type PackOptions, packImage, snapshotterFor } from '@skiff/node'
import { networkOf } from './cluster-network.ts'
import { containerdOptions } from './node-parts.ts'
import { isRunning } from './process-mark.ts'
import { requireRecord } from './record.ts'
import { UserError } from './talk.ts'

/** Imports an archive into every node of a cluster; answers the names of its images. */
export const importEverywhere = async (clusterName: string, file: string): Promise<readonly string[]> => {
  const { place, record } = requireRecord(clusterName)
  if (record.runtime !== 'containerd' || record.controlPlaneOnly)
    throw new UserError('this cluster runs no real containers: there is nothing to import images into')
  if (!isRunning(record.server)) throw new UserError(`cluster ${record.name} is not running; start it with \`skiff up\``)
  if (!existsSync(file)) throw new UserError(`there is no file ${file}`)
  const env = systemEnv(silentLog)
  const names = await Promise.all(
    networkOf(record).nodes.map(async (node) => {
      const options = containerdOptions(place, node)
      const socketPath = join(options.state, 'containerd.sock')
      const runtime = openCriRuntime(env, { socketPath })
      try {
        return await importImage(env, { socketPath, snapshotter: await snapshotterFor(options.root) }, runtime, file)
      } finally {
        runtime.close()
      }
    }),
  )
  return names[0] ?? []
}

/** Packs a directory as an image and imports it everywhere. */
export const packEverywhere = async (clusterName: string, options: Omit<PackOptions, 'out'>): Promise<readonly string[]> => {
  const dir = await mkdtemp(join(tmpdir(), 'skiff-image-'))
  try {
    const out = join(dir, 'image.tar')
    await packImage({ ...options, out })
    return await importEverywhere(clusterName, out)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Packs a directory as an image archive. */
export const packTo = (out: string, options: Omit<PackOptions, 'out'>): Promise<unknown> => packImage({ ...options, out })
