import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { basename } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import type { Place } from './place.ts'
import type { ClusterRecord } from './record.ts'
import { type Tell, UserError } from './talk.ts'

/** A young generation of 8 MB a half: twice that is twice the memory of an idle server, and no write is faster for it. */
const serverFlags = ['--max-semi-space-size=8']
/** With thousands of nodes the heap is large: a larger young generation is collected a quarter as often, which is a third of the time. */
const manyNodes = 500
const largeServerFlags = ['--max-semi-space-size=32']

/** Starts the server in the background and waits for its word. */
export const startServer = async (place: Place, record: ClusterRecord, tell: Tell): Promise<void> => {
  const journal = openSync(place.journal, 'a', 0o640)
  const [entry] = process.argv.slice(1, 2)
  const flags = (record.simulatedNodes ?? 0) >= manyNodes ? largeServerFlags : serverFlags
  const args = [...process.execArgv, ...flags, entry as string, 'serve', '--name', record.name, '--dir', place.dir]
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
