import type { Container, Pod } from '@skiff/api'
import { besides, type Rule } from './cluster-facts.ts'

const units: Readonly<Record<string, number>> = { '': 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }

/** In thousandths, so that sums are exact. */
export const amountMilli = (text: string | undefined): number => {
  const [, digits = '0', unit = ''] = /^([\d.]+)(\D*)$/.exec(text ?? '0') ?? []
  return Math.round(Number(digits) * (units[unit] ?? Number.NaN) * 1_000)
}

const asks = (container: Container, resource: string): number => amountMilli(container.resources?.requests?.[resource])
const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always'

/** The most that the pod holds at any moment of its life: its start, one init container after the other, or its run. */
const neededMilli = ({ spec }: Pod, resource: string): number => {
  let sidecars = 0
  let most = 0
  for (const each of spec.initContainers ?? []) {
    if (isSidecar(each)) sidecars += asks(each, resource)
    most = Math.max(most, isSidecar(each) ? sidecars : sidecars + asks(each, resource))
  }
  const running = spec.containers.reduce((sum, each) => sum + asks(each, resource), sidecars)
  return Math.max(most, running) + amountMilli(spec.overhead?.[resource])
}

const holds =
  (resource: string): Rule =>
  (pod, node, facts) => {
    const needed = neededMilli(pod, resource)
    const used = besides(facts, node).reduce((sum, other) => sum + neededMilli(other, resource), 0)
    return needed > 0 && used + needed > amountMilli(node.status?.allocatable?.[resource]) ? resource : ''
  }

const hasPlace: Rule = (_, node, facts) => (besides(facts, node).length < Number(node.status?.allocatable?.pods) ? '' : 'pods')

const hostPorts = ({ spec }: Pod) =>
  [...(spec.initContainers ?? []).filter(isSidecar), ...spec.containers]
    .flatMap((each) => each.ports ?? [])
    .flatMap(({ hostPort, hostIP = '', protocol = 'TCP' }) => (hostPort ? [{ hostPort, hostIP: hostIP || '0.0.0.0', protocol }] : []))

const hasPorts: Rule = (pod, node, facts) => {
  const taken = besides(facts, node).flatMap(hostPorts)
  const isTaken = hostPorts(pod).some((one) =>
    taken.some(
      (other) =>
        one.hostPort === other.hostPort &&
        one.protocol === other.protocol &&
        (one.hostIP === other.hostIP || one.hostIP === '0.0.0.0' || other.hostIP === '0.0.0.0'),
    ),
  )
  return isTaken ? 'host port' : ''
}

export const amountRules: readonly Rule[] = [...['cpu', 'memory', 'ephemeral-storage', 'example.com/gpu'].map(holds), hasPlace, hasPorts]
