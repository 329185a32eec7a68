import type { Env } from '@skiff/machinery'
import type { ContainerConfig, ContainerInfo, ExecResult, SandboxConfig } from '../runtime.ts'
import type { Behaviour } from './behaviour.ts'
import type { SimulatedImages } from './images.ts'

export interface SimulatedOptions {
  readonly env: Env
  /** `10.244.0.0/24`; may also come later, by setPodCidr. */
  readonly podCidr?: string
  readonly images?: SimulatedImages
  /** What a sandbox costs in time when its pod does not say. */
  readonly sandboxMs?: number
  readonly startMs?: number
  /** How a container lives; absent or undefined: by its annotations and command. */
  readonly behave?: (container: ContainerConfig, sandbox: SandboxConfig) => Behaviour | undefined
  readonly exec?: (container: ContainerInfo, command: readonly string[]) => ExecResult
}
