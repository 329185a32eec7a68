/** A container could not start: what pod status shows as its reason and message while it waits. */
export class StartFailed extends Error {
  readonly reason: string
  /** When it makes sense to try again; absent: the agent's usual delay. */
  readonly retryAtMs: number | undefined
  constructor(reason: string, message: string, retryAtMs?: number) {
    super(message)
    this.name = 'StartFailed'
    this.reason = reason
    this.retryAtMs = retryAtMs
  }
}
