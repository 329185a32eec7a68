import { isMutating, type Limiter, type Ticket } from './limiter.ts'

export interface InFlightLimits {
  /** Of requests that change nothing; 0: as many as come. */
  readonly readOnly: number
  readonly mutating: number
}

/** Upstream's plain limits, where priority and fairness is off: so many at a time, and administrators always. */
export const createInFlightLimiter = (limits: InFlightLimits): Limiter => {
  const executing = { mutating: 0, readOnly: 0 }
  return {
    executing,
    enter: ({ groups }, { verb }) => {
      const mutating = isMutating(verb)
      const kind = mutating ? 'mutating' : 'readOnly'
      if (limits[kind] > 0 && executing[kind] >= limits[kind] && !groups.includes('system:masters'))
        return { flow: undefined, retryAfterSeconds: 1 }
      executing[kind]++
      return { flow: undefined, seats: 1, mutating }
    },
    leave: ({ mutating }: Ticket) => {
      executing[mutating ? 'mutating' : 'readOnly']--
    },
  }
}
