import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { silentLog, systemEnv } from '@skiff/machinery'
import { openDurableStore, restoreSnapshot } from '@skiff/store'
import { askForSnapshot } from './control.ts'
import { withClusterLock } from './lock.ts'
import type { Place } from './place.ts'
import { isRunning } from './process-mark.ts'
import { requireRecord } from './record.ts'
import { type Tell, UserError } from './talk.ts'

/** `skiff snapshot save FILE`: a copy of all objects at one moment, of a running cluster or a stopped one. */
export const saveSnapshot = async (name: string, file: string, tell: Tell): Promise<void> => {
  requireRecord(name)
  const path = resolve(file)
  if (existsSync(path)) throw new UserError(`${path} exists; name a new file`)
  await withClusterLock(name, async () => {
    const { place, record } = requireRecord(name)
    if (isRunning(record.server)) await askForSnapshot(place, path)
    else await copyStopped(place, path)
  })
  tell(`the objects of cluster ${name} are saved in ${path}`)
}

const copyStopped = async (place: Place, path: string): Promise<void> => {
  if (!existsSync(place.store)) throw new UserError(`cluster ${place.name} has no store yet; \`skiff up --name ${place.name}\` makes it`)
  const store = await openDurableStore({ dir: place.store, env: systemEnv(silentLog) })
  try {
    await store.snapshot(path)
  } finally {
    await store.close()
  }
}

/** `skiff snapshot restore FILE`: the objects become those of the snapshot. What was there is kept beside the store. */
export const restore = async (name: string, file: string, tell: Tell): Promise<void> => {
  requireRecord(name)
  await withClusterLock(name, async () => {
    const { place, record } = requireRecord(name)
    if (isRunning(record.server))
      throw new UserError(
        `cluster ${name} is running; \`skiff down --keep-data --name ${name}\` first, then restore, then \`skiff up --name ${name}\``,
      )
    await restoreSnapshot(resolve(file), place.store)
    tell(`cluster ${name} has the objects of ${resolve(file)}; what it had before is in ${place.store}/store.db.replaced`)
    tell(`  \`skiff up --name ${name}\` starts it`)
  })
}
