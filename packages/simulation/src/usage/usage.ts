import type { Container, Node, Pod } from '@skiff/api'
import type { View } from '@skiff/client'
import { controllerOf, type Env, milliValue, quantityValue } from '@skiff/machinery'
import { isFor, type PodScope } from '../answers/rules.ts'
import { prefix } from '../pods/behaviour.ts'

/** What a container uses now. */
export interface ContainerUsage {
  readonly name: string
  readonly cpuMilli: number
  readonly memoryBytes: number
}

/** What a file says of the usage of some pods' containers: kwok's ResourceUsage and ClusterResourceUsage. */
export interface UsageRule extends PodScope {
  /** In processors and in bytes; undefined where an expression fails. */
  readonly cpu: Amount | undefined
  readonly memory: Amount | undefined
}

/** How much a container uses at a time. */
export type Amount = (of: UsageSubject, env: Pick<Env, 'now' | 'random'>) => number | undefined

export interface UsageSubject {
  readonly pod: Pod
  readonly container: Container
  readonly node: Node | undefined
}

export type UsageOf = (pod: Pod) => readonly ContainerUsage[]

// As kwok's example has it for pods that nothing is said of.
const usualCpuMilli = 1
const usualMemoryBytes = 2 ** 20

/**
 * What the containers of a pod use: by annotations of the pod, else by the first rule that is for it, else next to nothing. Pods that do not run
 * use nothing. A load that is shared (`shared-cpu`) is that of all running pods of one controller together, so that an autoscaler sees it
 * fall as it adds pods.
 */
export const createUsage =
  (rules: readonly UsageRule[], pods: View<Pod>, nodes: Pick<View<Node>, 'get'>, env: Pick<Env, 'now' | 'random'>): UsageOf =>
  (pod) => {
    if (pod.status?.phase !== 'Running' || pod.metadata.deletionTimestamp) return []
    const count = pod.spec.containers.length
    const annotated = fromAnnotations(pod, () => siblings(pod, pods))
    const node = nodes.get(pod.spec.nodeName ?? '')
    return pod.spec.containers.map((container) => {
      const { name } = container
      const rule = rules.find((each) => isFor(each, pod, name))
      const cpu = rule?.cpu?.({ pod, container, node }, env)
      const cpuMilli = cpu === undefined ? usualCpuMilli : Math.ceil(cpu * 1_000)
      const memoryBytes = Math.ceil(rule?.memory?.({ pod, container, node }, env) ?? usualMemoryBytes)
      return {
        name,
        cpuMilli: annotated.cpuMilli !== undefined ? annotated.cpuMilli / count : cpuMilli,
        memoryBytes: annotated.memoryBytes !== undefined ? Math.round(annotated.memoryBytes / count) : memoryBytes,
      }
    })
  }

const siblings = (pod: Pod, pods: View<Pod>): number => {
  const owner = controllerOf(pod)
  const running = owner
    ? pods.ownedBy(owner.uid).filter(({ status, metadata }) => status?.phase === 'Running' && !metadata.deletionTimestamp)
    : []
  return Math.max(1, running.length)
}

/** Of the pod as a whole. */
const fromAnnotations = ({ metadata: { annotations = {} } }: Pod, count: () => number) => {
  const amount = (value: (text: string) => number, names: readonly string[]): number | undefined => {
    const text = names.map((name) => annotations[name]).find((each) => each !== undefined)
    if (text === undefined) return undefined
    try {
      return value(text)
    } catch {
      return undefined
    }
  }
  const shared = (value: (text: string) => number, name: string): number | undefined => {
    const whole = amount(value, [name])
    return whole === undefined ? undefined : whole / count()
  }
  return {
    cpuMilli: shared(milliValue, `${prefix}shared-cpu`) ?? amount(milliValue, [`${prefix}cpu`, 'kwok.x-k8s.io/usage-cpu']),
    memoryBytes:
      shared(quantityValue, `${prefix}shared-memory`) ?? amount(quantityValue, [`${prefix}memory`, 'kwok.x-k8s.io/usage-memory']),
  }
}
