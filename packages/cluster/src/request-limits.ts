import { UserError } from './talk.ts'
import type { UpOptions } from './up-options.ts'

/** How many requests the API server works on at a time, as `up` was asked; what is absent is upstream's default. */
export interface RequestLimits {
  readonly readOnly?: number
  readonly mutating?: number
  readonly fair?: boolean
}

const count = (option: string, value: number): number => {
  if (!Number.isInteger(value) || value < 0) throw new UserError(`${option} takes a whole number; 0 is no limit`)
  return value
}

/** The limits that `up` was asked for on top of those that were kept; undefined where there are none. */
export const requestLimits = (options: UpOptions, held: RequestLimits = {}): RequestLimits | undefined => {
  const { maxRequestsInflight: readOnly, maxMutatingRequestsInflight: mutating, enablePriorityAndFairness: fair } = options
  if (fair !== undefined && fair !== 'true' && fair !== 'false')
    throw new UserError(`invalid argument ${JSON.stringify(fair)} for "--enable-priority-and-fairness" flag: it is true or false`)
  const limits: RequestLimits = {
    ...held,
    ...(readOnly === undefined ? {} : { readOnly: count('--max-requests-inflight', readOnly) }),
    ...(mutating === undefined ? {} : { mutating: count('--max-mutating-requests-inflight', mutating) }),
    ...(fair === undefined ? {} : { fair: fair === 'true' }),
  }
  const both = (limits.readOnly ?? 400) + (limits.mutating ?? 200)
  if (limits.fair !== false && both === 0)
    throw new UserError(
      '--max-requests-inflight and --max-mutating-requests-inflight are not both 0 where priority and fairness divides them',
    )
  return Object.keys(limits).length === 0 ? undefined : limits
}

/** The first of the options that is not what a cluster runs with. */
export const differingLimit = (options: UpOptions, held: RequestLimits = {}): string | undefined => {
  const next = requestLimits(options, held) ?? {}
  if (next.readOnly !== held.readOnly) return `--max-requests-inflight ${next.readOnly}`
  if (next.mutating !== held.mutating) return `--max-mutating-requests-inflight ${next.mutating}`
  return next.fair === held.fair ? undefined : `--enable-priority-and-fairness ${next.fair}`
}
