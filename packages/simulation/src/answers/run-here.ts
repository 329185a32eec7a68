import { spawn } from 'node:child_process'
import { Duplex, PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { ExecSession } from '@skiff/client'
import type { LocalRun } from './rules.ts'

const start = (command: readonly string[], { workDir, variables, userId, groupId }: Partial<LocalRun>) =>
  spawn(command[0] ?? '', command.slice(1), {
    env: { ...process.env, ...variables },
    ...(workDir !== undefined ? { cwd: workDir } : {}),
    ...(userId !== undefined ? { uid: userId } : {}),
    ...(groupId !== undefined ? { gid: groupId } : {}),
  })

/** Runs a command on this machine in the place of a container's; resolves with its exit code. It ends with its client. */
export const runHere = (command: readonly string[], how: LocalRun, session: ExecSession): Promise<number> => {
  const child = start(command, how)
  const ended = Promise.withResolvers<number>()
  const kill = (): void => void child.kill('SIGKILL')
  session.signal.addEventListener('abort', kill)
  child.once('error', (error: NodeJS.ErrnoException) =>
    ended.reject(error.code === 'ENOENT' ? new Error(`exec: ${JSON.stringify(command[0])}: executable file not found in $PATH`) : error),
  )
  child.once('close', (code, signal) => ended.resolve(signal ? 137 : (code ?? 0)))
  // A command may end without reading what it is given.
  child.stdin.on('error', () => {})
  if (session.stdin) session.stdin.pipe(child.stdin)
  else child.stdin.end()
  if (session.stdout) child.stdout.pipe(session.stdout, { end: false })
  else child.stdout.resume()
  // With a terminal there is one stream for both.
  const errors = session.stderr ?? (session.tty ? session.stdout : undefined)
  if (errors) child.stderr.pipe(errors, { end: false })
  else child.stderr.resume()
  return ended.promise.finally(() => session.signal.removeEventListener('abort', kill))
}

/** A command on this machine whose standard input and output are a connection. Rejects when it cannot be started. */
export const connectToCommand = async (command: readonly string[]): Promise<Duplex> => {
  const child = start(command, {})
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  child.stderr.resume()
  // It may answer without reading what it is told: what comes then is let go.
  const told = new PassThrough()
  child.stdin.on('error', () => told.resume())
  told.pipe(child.stdin)
  const connection = Duplex.from({ readable: child.stdout, writable: told })
  void finished(connection)
    .catch(() => {})
    .finally(() => child.kill())
  return connection
}
