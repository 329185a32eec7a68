import type { Probe } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import { isRuntimeError, type Runtime } from '../runtimes/runtime.ts'
import { grpcProbe } from './grpc-probe.ts'
import { httpProbe } from './http-probe.ts'
import { failure, maxOutputBytes, type ProbeOutcome, type RunProbe, success, unknown } from './probe-result.ts'
import { tcpProbe } from './tcp-probe.ts'

/** Probes containers of a real runtime: by a command in them, or over the network from this machine. */
export const createRunProbe =
  (runtime: Runtime, env: Env): RunProbe =>
  async (probe, target) => {
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
    try {
      if (probe.exec) return await execProbe(runtime, probe, target.containerId)
      if (probe.httpGet) return await httpProbe(probe.httpGet, target, timeoutMs)
      if (probe.tcpSocket) return await tcpProbe(probe.tcpSocket, target, timeoutMs)
      if (probe.grpc) return await grpcProbe(probe.grpc, target, timeoutMs, env)
      return unknown('missing probe handler')
    } catch (error) {
      return unknown(error instanceof Error ? error.message : String(error))
    }
  }

const execProbe = async (runtime: Runtime, probe: Probe, containerId: string): Promise<ProbeOutcome> => {
  const command = probe.exec?.command ?? []
  const timeoutSeconds = probe.timeoutSeconds ?? 1
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, timeoutSeconds)
    const output = Buffer.concat([stdout, stderr]).subarray(0, maxOutputBytes).toString('utf8')
    return exitCode === 0 ? success(output) : failure(output)
  } catch (error) {
    if (isRuntimeError(error, 'deadlineExceeded'))
      return failure(`command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutSeconds}s`)
    throw error
  }
}
