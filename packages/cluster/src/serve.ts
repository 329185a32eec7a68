import { systemEnv } from '@skiff/machinery'
import { placeAt } from './place.ts'
import { readRecord } from './record.ts'
import { runServer, type Server } from './server-process.ts'
import { UserError } from './talk.ts'

const tell = (message: object): void => {
  if (process.connected) process.send?.(message)
}

/** `skiff serve`: the server process that `up` starts. Tells its parent how far it is, and runs until it is told to stop. */
export const serve = async (name: string, dir: string): Promise<void> => {
  const place = placeAt(name, dir)
  const record = readRecord(place)
  if (!record) throw new UserError(`there is no cluster in ${dir}`)
  let server: Server | undefined
  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    await server?.stop()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop())
  process.on('SIGINT', () => void stop())
  process.on('SIGHUP', () => {})
  process.on('unhandledRejection', (error) =>
    process.stderr.write(
      `${JSON.stringify({ time: new Date(systemEnv().now()).toISOString(), level: 'error', component: 'skiff', message: 'unhandled rejection', facts: { error: String(error instanceof Error ? error.stack : error) } })}\n`,
    ),
  )
  try {
    server = await runServer(place, record, (step) => tell({ step }))
    tell({ ready: true })
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    tell({ failed: error instanceof Error ? error.message : String(error) })
    process.exit(1)
  }
}
