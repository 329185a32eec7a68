import type { ApiServer } from '@skiff/apiserver'
import { loopbackIdentity } from '@skiff/apiserver'
import type { Env } from '@skiff/machinery'
import { startSimulation, usualShape } from '@skiff/simulation'
import type { ClusterRecord } from './record.ts'

/** The nodes of `--simulated-nodes`: objects whose agents are played in this process. Answers what stops them. */
export const startStageNodes = async (api: ApiServer, record: ClusterRecord, env: Env): Promise<() => Promise<void>> => {
  const simulation = await startSimulation({
    client: api.client(loopbackIdentity),
    env,
    shapes: [usualShape(record.simulatedNodes ?? 0)],
  })
  return simulation.stop
}
