import type { Client } from '@skiff/client'
import { clusterChecks } from './cluster-checks.ts'
import { readState } from './cluster-state.ts'
import { workloadChecks } from './workload-checks.ts'

/** What in the cluster is not as it was asked for; nothing once it has come to rest. */
export const desiredState = async (client: Client): Promise<string[]> => {
  const state = await readState(client)
  return [...workloadChecks, ...clusterChecks].flatMap((check) => check(state))
}
