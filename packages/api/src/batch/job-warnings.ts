import { templateWarnings } from '../core/pod-spec/warnings.ts'
import type { JobSpec } from '../generated/types.ts'

const manyCompletions = 100_000
const manyAtOnce = 10_000

/** What upstream says of a job that is valid and may yet surprise. */
export const jobSpecWarnings = (spec: JobSpec | undefined, path: string): readonly string[] => {
  if (spec === undefined) return []
  const vast =
    spec.completionMode === 'Indexed' && (spec.completions ?? 0) > manyCompletions && (spec.parallelism ?? 0) > manyAtOnce
      ? [
          'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completionIndexes when a big number of indexes fail',
        ]
      : []
  return [...vast, ...templateWarnings(spec.template, `${path}.template`)]
}
