export type { Fleet } from './nodes/fleet.ts'
export { type NodeShape, usualCapacity, usualShape } from './nodes/shape.ts'
export type { FailureRates } from './pods/behaviour.ts'
export { type Simulation, type SimulationOptions, startSimulation } from './start.ts'
