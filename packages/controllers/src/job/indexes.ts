import type { Job, Pod } from '@skiff/api'

export const indexAnnotation = 'batch.kubernetes.io/job-completion-index'

export const isIndexed = (job: Job): boolean => job.spec.completionMode === 'Indexed'
export const indexOf = (pod: Pod): number | undefined => {
  const text = pod.metadata.annotations?.[indexAnnotation]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/** `1,3-5` as numbers, ascending; what lies at or above `completions` is left out. */
export const parseIndexes = (text: string | undefined, completions: number): number[] => {
  const found: number[] = []
  for (const part of (text ?? '').split(',').filter(Boolean)) {
    const [first = '', last = first] = part.split('-')
    for (let index = Number(first); index <= Math.min(Number(last), completions - 1); index += 1) found.push(index)
  }
  return found
}

/** The opposite: three and more in a row are written as a range, two as well, as upstream does. */
export const formatIndexes = (indexes: Iterable<number>): string => {
  const sorted = [...new Set(indexes)].sort((a, b) => a - b)
  const parts: string[] = []
  for (let at = 0; at < sorted.length; ) {
    const first = sorted[at] as number
    let last = first
    while (sorted[at + 1] === last + 1) {
      at += 1
      last += 1
    }
    at += 1
    parts.push(first === last ? String(first) : last === first + 1 ? `${first},${last}` : `${first}-${last}`)
  }
  return parts.join(',')
}
