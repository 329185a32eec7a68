/** An error of the command line itself, printed as `error: …`. `seeHelp` adds the hint at -h. */
export class UsageError extends Error {
  readonly exitCode: number
  readonly seeHelp: boolean
  constructor(message: string, exitCode = 1, seeHelp = false) {
    super(message)
    this.name = 'UsageError'
    this.exitCode = exitCode
    this.seeHelp = seeHelp
  }
}

/** A kubeconfig that does not hold what it names, printed as `Error in configuration: …`. */
export class ConfigurationError extends Error {}

/** Ends the command with a code when everything was said already. */
export class SilentExit extends Error {
  readonly exitCode: number
  constructor(exitCode: number) {
    super(`exit ${exitCode}`)
    this.exitCode = exitCode
  }
}

/** Several errors of one command, each printed on its own. */
export class ManyErrors extends Error {
  readonly errors: readonly unknown[]
  constructor(errors: readonly unknown[]) {
    super(errors.map((error) => (error as Error).message).join('\n'))
    this.errors = errors
  }
}

/** Runs `act` for each; errors are kept until all had their turn. One error is thrown as it is, more as ManyErrors. */
export const forEachKept = async <T>(items: readonly T[], act: (item: T, index: number) => Promise<void>): Promise<void> => {
  const errors: unknown[] = []
  for (const [index, item] of items.entries())
    try {
      await act(item, index)
    } catch (error) {
      errors.push(error)
    }
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new ManyErrors(errors)
}
