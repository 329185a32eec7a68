import type { Container, LifecycleHandler, Pod } from '@skiff/api'
import { type Env, quoted } from '@skiff/machinery'
import { describePod } from '../pods/naming.ts'
import { specContainers } from '../pods/plan-kill.ts'
import { httpProbe } from '../probes/http-probe.ts'
import { tcpProbe } from '../probes/tcp-probe.ts'
import { isRuntimeError, type Runtime } from '../runtimes/runtime.ts'
import type { HookCall, RunHook } from './hooks.ts'

/** Hooks have no limit of their own; a request over the network gets this one. */
const requestMs = 30_000

/** Runs lifecycle hooks in containers of a real runtime. */
export const createRunHook =
  (runtime: Runtime, env: Env): RunHook =>
  async (call) => {
    const { hook, pod, containerName, signal } = call
    const container = specContainers(pod).find(({ name }) => name === containerName) ?? { name: containerName }
    if (hook.sleep) return env.sleep(hook.sleep.seconds * 1000, signal)
    if (hook.exec) return execHook(runtime, call)
    if (hook.httpGet) return httpHook(call, container)
    if (hook.tcpSocket) return tcpHook(call, container)
    throw new Error(`Cannot run handler: invalid handler: ${JSON.stringify(hook)}`)
  }

const execHook = async (runtime: Runtime, { hook, pod, containerName, containerId, signal }: HookCall): Promise<void> => {
  const command = hook.exec?.command ?? []
  const where = `Exec lifecycle hook (${`[${command.join(' ')}]`}) for Container ${quoted(containerName)} in Pod ${quoted(describePod(pod))} failed`
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, 0, { signal })
    if (exitCode === 0) return
    const output = Buffer.concat([stdout, stderr]).toString('utf8')
    throw new Error(`${where} - error: command '${command.join(' ')}' exited with ${exitCode}: ${output}, message: ${quoted(output)}`)
  } catch (error) {
    if (!isRuntimeError(error)) throw error
    throw new Error(`${where} - error: ${error.message}, message: ""`)
  }
}

const target = ({ pod, containerId, podIp }: HookCall, container: Container) => ({
  pod,
  container,
  containerId,
  podIp: podIp ?? pod.status?.podIP ?? '',
})

const httpHook = async (call: HookCall, container: Container): Promise<void> => {
  const action = call.hook.httpGet as NonNullable<LifecycleHandler['httpGet']>
  const port = String(action.port) === '' ? '80' : action.port
  const outcome = await httpProbe({ ...action, port }, target(call, container), requestMs)
  if (outcome.result === 'failure') throw failedOn('Http', action.path ?? '', call.pod, container.name, outcome.output)
}

const tcpHook = async (call: HookCall, container: Container): Promise<void> => {
  const action = call.hook.tcpSocket as NonNullable<LifecycleHandler['tcpSocket']>
  const outcome = await tcpProbe(action, target(call, container), requestMs)
  if (outcome.result === 'failure') throw failedOn('Tcp', String(action.port), call.pod, container.name, outcome.output)
}

const failedOn = (kind: string, what: string, pod: Pod, container: string, output: string): Error =>
  new Error(
    `${kind} lifecycle hook (${what}) for Container ${quoted(container)} in Pod ${quoted(describePod(pod))} failed - error: ${output}, message: ""`,
  )
