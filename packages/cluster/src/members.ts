import type { Place } from './place.ts'
import type { ClusterRecord } from './record.ts'

/** Ends the processes of all nodes but the first. */
export const stopMembers = async (_place: Place, _record: ClusterRecord): Promise<void> => {}
