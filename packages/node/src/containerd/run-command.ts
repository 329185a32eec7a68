import { spawn } from 'node:child_process'

export interface CommandResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Where system programs lie, also when Skiff was started with a user's short PATH. */
export const systemPath = [
  ...new Set([...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']),
]
  .filter((directory) => directory !== '')
  .join(':')

/** What a started program sees of the environment. */
export const systemEnvironment = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: systemPath,
  LC_ALL: 'C',
  ...more,
})

/** Runs a program to its end; a non-zero exit is a result. Fails when it cannot be started. */
export const tryCommand = (
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: systemEnvironment(environment) })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }))
  })

/** Runs a program that must succeed; answers its standard output. */
export const runCommand = async (
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const { exitCode, stdout, stderr } = await tryCommand(command, args, environment)
  if (exitCode !== 0) throw new Error(`${command} ${args.join(' ')}: ${lastLine(stderr) || `ended with ${exitCode ?? 'a signal'}`}`)
  return stdout
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
