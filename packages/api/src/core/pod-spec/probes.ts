import { forbiddenField, invalidValue, isHttpHeaderName, notSupported, required } from '@skiff/machinery'
import { addInvalid, checkNonNegative, type Faults } from '../../checks/faults.ts'
import { checkPortNumOrName } from '../../checks/ports.ts'
import { isOn } from '../../features/scope.ts'
import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe, SleepAction } from '../../generated/types.ts'
import type { AnyContainer } from './context.ts'

/** Probes and hooks of a container that may have them. `graceSeconds`: the pod's. */
export const checkProbesAndHooks = (faults: Faults, container: AnyContainer, graceSeconds: number | undefined, path: string): void => {
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container
  if (lifecycle) checkLifecycle(faults, lifecycle, graceSeconds, `${path}.lifecycle`)
  if (livenessProbe) checkOnceProbe(faults, livenessProbe, graceSeconds, `${path}.livenessProbe`)
  if (readinessProbe) {
    const at = `${path}.readinessProbe`
    checkProbe(faults, readinessProbe, graceSeconds, at)
    const own = readinessProbe.terminationGracePeriodSeconds
    if (own !== undefined) faults.push(invalidValue(`${at}.terminationGracePeriodSeconds`, own, 'must not be set for readinessProbes'))
  }
  if (startupProbe) checkOnceProbe(faults, startupProbe, graceSeconds, `${path}.startupProbe`)
}

const checkOnceProbe = (faults: Faults, probe: Probe, graceSeconds: number | undefined, path: string): void => {
  checkProbe(faults, probe, graceSeconds, path)
  const threshold = probe.successThreshold ?? 0
  if (threshold !== 1) faults.push(invalidValue(`${path}.successThreshold`, threshold, 'must be 1'))
}

const checkProbe = (faults: Faults, probe: Probe, graceSeconds: number | undefined, path: string): void => {
  checkHandler(faults, probe, graceSeconds, path)
  checkNonNegative(faults, probe.initialDelaySeconds, `${path}.initialDelaySeconds`)
  checkNonNegative(faults, probe.timeoutSeconds, `${path}.timeoutSeconds`)
  checkNonNegative(faults, probe.periodSeconds, `${path}.periodSeconds`)
  checkNonNegative(faults, probe.successThreshold, `${path}.successThreshold`)
  checkNonNegative(faults, probe.failureThreshold, `${path}.failureThreshold`)
  const own = probe.terminationGracePeriodSeconds
  if (own !== undefined && own <= 0) faults.push(invalidValue(`${path}.terminationGracePeriodSeconds`, own, 'must be greater than 0'))
}

const checkLifecycle = (faults: Faults, lifecycle: Lifecycle, graceSeconds: number | undefined, path: string): void => {
  if (lifecycle.postStart) checkHandler(faults, lifecycle.postStart, graceSeconds, `${path}.postStart`)
  if (lifecycle.preStop) checkHandler(faults, lifecycle.preStop, graceSeconds, `${path}.preStop`)
}

const handlerFields = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const
type Handler = Probe & LifecycleHandler

const checkHandler = (faults: Faults, handler: Handler, graceSeconds: number | undefined, path: string): void => {
  let found = false
  for (const field of handlerFields) {
    if (handler[field] === undefined) continue
    const at = `${path}.${field}`
    if (found) faults.push(forbiddenField(at, 'may not specify more than 1 handler type'))
    else checkAction(faults, handler, field, graceSeconds, at)
    found = true
  }
  if (!found) faults.push(required(path, 'must specify a handler type'))
}

const checkAction = (
  faults: Faults,
  handler: Handler,
  field: (typeof handlerFields)[number],
  graceSeconds: number | undefined,
  path: string,
): void => {
  switch (field) {
    case 'exec':
      if (!handler.exec?.command?.length) faults.push(required(`${path}.command`))
      return
    case 'httpGet':
      checkHttpGet(faults, handler.httpGet as HTTPGetAction, path)
      return
    case 'tcpSocket':
      checkPortNumOrName(faults, handler.tcpSocket?.port, `${path}.port`)
      return
    case 'grpc':
      checkPortNumOrName(faults, handler.grpc?.port, `${path}.port`)
      return
    case 'sleep':
      checkSleep(faults, handler.sleep as SleepAction, graceSeconds, path)
  }
}

const checkHttpGet = (faults: Faults, http: HTTPGetAction, path: string): void => {
  if (!http.path) faults.push(required(`${path}.path`))
  checkPortNumOrName(faults, http.port, `${path}.port`)
  if (http.scheme !== 'HTTP' && http.scheme !== 'HTTPS') faults.push(notSupported(`${path}.scheme`, http.scheme ?? '', ['HTTP', 'HTTPS']))
  for (const { name = '' } of http.httpHeaders ?? []) addInvalid(faults, isHttpHeaderName(name), name, `${path}.httpHeaders`)
}

/** An absent grace period is another fault's business. */
const checkSleep = (faults: Faults, { seconds = 0 }: SleepAction, graceSeconds: number | undefined, path: string): void => {
  const fewest = isOn('PodLifecycleSleepActionAllowZero') ? 0 : 1
  if (graceSeconds === undefined || (seconds >= fewest && seconds <= graceSeconds)) return
  if (fewest > 0) {
    const remedy = 'Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.'
    faults.push(
      invalidValue(path, seconds, `must be greater than 0 and less than terminationGracePeriodSeconds (${graceSeconds}). ${remedy}`),
    )
    return
  }
  faults.push(invalidValue(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`))
}
