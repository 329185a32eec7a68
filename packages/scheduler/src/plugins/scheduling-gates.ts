import type { Plugin } from '../cycle/framework.ts'

const blocked = 'Scheduling is blocked due to non-empty scheduling gates'

/** PreEnqueue: a pod with gates is not tried at all. No event but the pod's own update opens them. */
export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  points: ['preEnqueue'],
  ownChanges: ['gates-gone'],
  reactsTo: [],
  preEnqueue: ({ pod }) => (pod.spec.schedulingGates?.length ? blocked : undefined),
}
