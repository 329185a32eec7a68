import type { ContainerConfig, SandboxConfig } from '../runtime.ts'

/** How one container lives. Times in milliseconds. */
export interface Behaviour {
  /** From its start to its own end; absent: until it is stopped. */
  readonly runMs?: number
  readonly exitCode?: number
  /** Its end is an out-of-memory kill. */
  readonly oom?: boolean
  readonly startMs?: number
  /** From the stop signal to its end; more than the grace means SIGKILL. */
  readonly stopMs?: number
  readonly fail?: 'create' | 'start'
  /** From its start until its probes succeed; absent: at once. */
  readonly readyMs?: number
  /** Lines it writes, each so long after its start. */
  readonly lines?: readonly { readonly atMs: number; readonly text: string; readonly stream?: 'stdout' | 'stderr' }[]
}

export interface SandboxBehaviour {
  readonly sandboxMs?: number
  readonly fail?: boolean
}

/** Annotations of a pod begin with this. */
export const prefix = 'simulated.skiff.dev/'

/** A pod's annotation for this container, else for all of its containers. */
const setting = (annotations: Readonly<Record<string, string>>, container: string, name: string): string | undefined =>
  annotations[`${prefix}${container}.${name}`] ?? annotations[`${prefix}${name}`]

const numberOf = (text: string | undefined): number | undefined => {
  const value = text === undefined ? Number.NaN : Number(text)
  return Number.isFinite(value) && value >= 0 ? value : undefined
}

const defined = <T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never

/** What a container does by its annotations and its command. */
export const behave = (config: ContainerConfig, sandbox: SandboxConfig): Behaviour => {
  const of = (name: string) => setting(sandbox.annotations, config.name, name)
  const fail = of('fail')
  const script = scriptOf([...config.command, ...config.args])
  return {
    ...script,
    ...defined({
      runMs: numberOf(of('run-ms')),
      exitCode: numberOf(of('exit-code')),
      startMs: numberOf(of('start-ms')),
      stopMs: numberOf(of('stop-ms')),
      readyMs: numberOf(of('ready-ms')),
      oom: of('oom') === 'true' ? true : undefined,
      fail: fail === 'create' || fail === 'start' ? (fail as 'create' | 'start') : undefined,
    }),
  }
}

export const behaveSandbox = (sandbox: SandboxConfig): SandboxBehaviour =>
  defined({
    sandboxMs: numberOf(sandbox.annotations[`${prefix}sandbox-ms`]),
    fail: sandbox.annotations[`${prefix}fail`] === 'sandbox' ? true : undefined,
  })

/** Understands `sleep`, `exit`, `echo`, `true` and `false`, alone or in `sh -c` joined by `;` or `&&`. The rest runs for ever. */
export const scriptOf = (command: readonly string[]): Behaviour => {
  const shell = /(^|\/)(sh|bash|ash)$/.test(command[0] ?? '') && command[1] === '-c'
  const parts = shell ? (command[2] ?? '').split(/\s*(?:;|&&|\n)\s*/).filter((part) => part !== '') : [command.join(' ')]
  const lines: { atMs: number; text: string }[] = []
  let atMs = 0
  let exitCode = 0
  for (const part of parts) {
    const [word = '', ...rest] = part.trim().split(/\s+/)
    const name = word.slice(word.lastIndexOf('/') + 1)
    if (name === 'sleep' && /^\d+(\.\d+)?s?$/.test(rest[0] ?? '')) atMs += Number.parseFloat(rest[0] as string) * 1000
    else if (name === 'echo') lines.push({ atMs, text: unquoted(rest.join(' ')) })
    else if (name === 'exit') return { runMs: atMs, exitCode: Number(rest[0] ?? exitCode) || 0, lines }
    else if (name === 'true') exitCode = 0
    else if (name === 'false') exitCode = 1
    else return { lines }
  }
  return { runMs: atMs, exitCode, lines }
}

const unquoted = (text: string): string => text.replace(/^(['"])(.*)\1$/, '$2')
