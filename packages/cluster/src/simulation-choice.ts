import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { FileError, readSimulationFile } from '@skiff/simulation'
import type { ClusterRecord } from './record.ts'
import { UserError } from './talk.ts'
import type { UpOptions } from './up-options.ts'

/** As many as there are addresses for. */
const mostSimulated = 30_000

/** The part of a record that says which nodes are played in the server; empty for a cluster without. */
export type SimulationRecord = Pick<ClusterRecord, 'simulatedNodes' | 'simulation' | 'simulationDir'>

/** What `up` asks of simulated nodes. A file with shapes of its own says how many there are; another needs --simulated-nodes. */
export const chooseSimulation = (options: UpOptions): SimulationRecord => {
  const { simulatedNodes, simulation } = options
  if (simulatedNodes === undefined && simulation === undefined) return {}
  if (options.nodes !== undefined) throw new UserError('--simulated-nodes are all the nodes there are; leave --nodes away')
  if (options.runtime === 'containerd') throw new UserError('--simulated-nodes run no containers; leave --runtime away')
  if (simulation === undefined) return { simulatedNodes: checkedCount(simulatedNodes ?? 0) }
  const text = textOf(simulation)
  const shaped = countOf(simulation, text)
  if (shaped > 0 && simulatedNodes !== undefined)
    throw new UserError(`${simulation} says which nodes there are; leave --simulated-nodes away`)
  if (shaped === 0 && simulatedNodes === undefined)
    throw new UserError(`${simulation} has no NodeShape; say how many nodes there are with --simulated-nodes`)
  return { simulatedNodes: checkedCount(simulatedNodes ?? shaped), simulation: text, simulationDir: dirname(resolve(simulation)) }
}

/** A stopped cluster with what is asked for now: nodes can be added, and a file takes the place of the one before. */
export const changeSimulation = (held: ClusterRecord, options: UpOptions): SimulationRecord => {
  if (held.simulatedNodes === undefined) return {}
  const asked = chooseSimulation(options.simulation === undefined ? options : withCount(options, held))
  const { simulatedNodes = held.simulatedNodes } = asked
  if (simulatedNodes < held.simulatedNodes)
    throw new UserError(`cluster ${held.name} has ${held.simulatedNodes} simulated nodes, and nodes can only be added`)
  const { simulation, simulationDir } = asked.simulation === undefined ? held : asked
  return {
    simulatedNodes,
    ...(simulation !== undefined ? { simulation } : {}),
    ...(simulationDir !== undefined ? { simulationDir } : {}),
  }
}

/** A file without shapes leaves the nodes as they are. */
const withCount = (options: UpOptions, held: ClusterRecord): UpOptions => {
  const { simulation = '', simulatedNodes } = options
  if (simulatedNodes !== undefined || countOf(simulation, textOf(simulation)) > 0) return options
  return { ...options, ...(held.simulatedNodes !== undefined ? { simulatedNodes: held.simulatedNodes } : {}) }
}

export const textOf = (path: string): string => {
  if (!existsSync(path)) throw new UserError(`there is no file ${path}`)
  if (statSync(path).isDirectory()) throw new UserError(`${path} is a directory`)
  return readFileSync(path, 'utf8')
}

const countOf = (path: string, text: string): number => {
  try {
    return readSimulationFile(text).shapes.reduce((sum, { count }) => sum + count, 0)
  } catch (error) {
    if (error instanceof FileError) throw new UserError(`${path}: ${(error as Error).message}`)
    throw error
  }
}

const checkedCount = (count: number): number => {
  if (!Number.isInteger(count) || count < 1 || count > mostSimulated)
    throw new UserError(`--simulated-nodes takes a whole number from 1 to ${mostSimulated}`)
  return count
}
