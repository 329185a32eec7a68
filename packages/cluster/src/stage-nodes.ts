import type { ApiServer } from '@skiff/apiserver'
import { loopbackIdentity } from '@skiff/apiserver'
import type { Env } from '@skiff/machinery'
import { readSimulationFile, startSimulation, usualShape } from '@skiff/simulation'
import type { ClusterNodes } from './node-directory.ts'
import type { ClusterRecord } from './record.ts'

/** The nodes of `--simulated-nodes`: objects whose agents are played in this process. Answers what stops them. */
export const startStageNodes = async (
  api: ApiServer,
  record: ClusterRecord,
  env: Env,
  directory: ClusterNodes,
): Promise<() => Promise<void>> => {
  const { simulation } = record
  const hasShapes = simulation !== undefined && readSimulationFile(simulation).shapes.length > 0
  const started = await startSimulation({
    client: api.client(loopbackIdentity),
    env,
    // A file says which nodes there are, where it has shapes at all.
    shapes: hasShapes ? [] : [usualShape(record.simulatedNodes ?? 0)],
    ...(simulation !== undefined ? { file: simulation, directory: record.simulationDir ?? '/' } : {}),
    resources: () => api.registry.all().filter((kind) => !kind.conversion),
  })
  directory.connectBy(started.connection)
  directory.measureBy({ has: started.fleet.isAlive, of: started.usageOf })
  return started.stop
}
