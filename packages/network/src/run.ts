import { spawn } from 'node:child_process'

export interface Ran {
  /** The exit code; -1 when the program could not be started or was ended by a signal. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** A network namespace's file to run in; the caller's own without it. nsenter, since `ip netns exec` remounts /sys and hides the cgroups. */
  readonly netns?: string
  readonly input?: string
}

/** Runs a program to its end. Never rejects: the code tells. */
export const run = (argv: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  new Promise((resolve) => {
    const [file = '', ...args] = options.netns === undefined ? argv : ['nsenter', `--net=${options.netns}`, ...argv]
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (part: Buffer) => out.push(part))
    child.stderr.on('data', (part: Buffer) => err.push(part))
    child.stdin.on('error', () => {}) // The program may end before it has read everything; its code tells.
    child.on('error', (error) => resolve({ code: -1, stdout: '', stderr: error.message }))
    child.on('close', (code) => resolve({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }))
    child.stdin.end(options.input ?? '')
  })

/** As run, but a failure is an Error that names the program and what it said. */
export const runOrThrow = async (argv: readonly string[], options: RunOptions = {}): Promise<string> => {
  const { code, stdout, stderr } = await run(argv, options)
  if (code !== 0) throw new Error(`${argv.slice(0, 4).join(' ')}: ${stderr.trim() || `exit code ${code}`}`)
  return stdout
}
