import type { Plugin } from '../cycle/framework.ts'
import type { Waiting } from '../queue/waiting.ts'

/** QueueSort: higher priority first, then who waits longer; the sequence settles equal instants. */
export const goesFirst = (a: Waiting, b: Waiting): boolean => {
  if (a.pod.priority !== b.pod.priority) return a.pod.priority > b.pod.priority
  return a.sinceMs === b.sinceMs ? a.sequence < b.sequence : a.sinceMs < b.sinceMs
}

export const prioritySort: Plugin = { name: 'PrioritySort', points: ['queueSort'], goesFirst }
