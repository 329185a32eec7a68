import type { Binding, Pod } from '@skiff/api'
import type { Call } from '@skiff/client'
import { type Env, keyOf } from '@skiff/machinery'
import { type ClusterFacts, complaints } from '@skiff/scheduler'
import type { Calm } from './calm.ts'
import type { Moment, Truth } from './truth.ts'

/** Which schedulers asked for which bindings: what one of them decided itself it knows, whatever its watches bring. */
export interface Issued {
  see(call: Call): void
  /** From now on another one decides. */
  restarted(): void
  /** The number of the scheduler that bound the pod. */
  lifeOf(uid: string): number | undefined
}

export const createIssued = (): Issued => {
  const lives = new Map<string, number>()
  let life = 0
  return {
    see: ({ verb, resource, subresource, body }) => {
      if (verb !== 'create' || resource !== 'pods' || subresource !== 'binding' || !body || !('object' in body)) return
      const { uid } = (body.object as Binding).metadata
      if (uid !== undefined) lives.set(uid, life)
    },
    restarted: () => {
      life += 1
    },
    lifeOf: (uid) => lives.get(uid),
  }
}

const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'
const counts = (each: Pod): boolean => each.spec.nodeName !== undefined && !isOver(each)

/** As the oracle reads it, without `pod` and with `certain`: pods that are known to be there although no watch may have shown them yet. */
const factsOf = (moment: Moment, pod: Pod, certain: readonly Pod[]): ClusterFacts => {
  const placed = [...moment.pods.values()].filter((other) => counts(other) && other.metadata.uid !== pod.metadata.uid)
  const shown = new Set(placed.map(({ metadata }) => metadata.uid))
  return {
    nodes: [...moment.nodes.values()],
    placed: [...placed, ...certain.filter(({ metadata }) => !shown.has(metadata.uid))],
    namespaces: new Map([...moment.namespaces].map(([name, { metadata }]) => [name, metadata.labels ?? {}])),
    claims: moment.claims,
    volumes: moment.volumes,
    classes: moment.classes,
    csiNodes: moment.csiNodes,
  }
}

const faults = (moment: Moment, pod: Pod, certain: readonly Pod[]): string[] => {
  const node = moment.nodes.get(pod.spec.nodeName ?? '')
  return node ? complaints(pod, node, factsOf(moment, pod, certain)) : ['no such node']
}

interface Parts {
  readonly truth: Truth
  readonly issued: Issued
  readonly calm: Calm
  readonly env: Env
  readonly wrong: string[]
}

/** How many placements were judged. */
export interface Placements {
  readonly count: number
}

/** No pod is bound against a hard constraint: each placement must have been right at a moment that its scheduler may have decided at. */
export const watchPlacements = ({ truth, issued, calm, env, wrong }: Parts): Placements => {
  let count = 0
  const judge = (pod: Pod): void => {
    count += 1
    const life = issued.lifeOf(pod.metadata.uid)
    const isCertain = (other: Pod) => counts(other) && other !== pod && life !== undefined && issued.lifeOf(other.metadata.uid) === life
    const certain = [...truth.now.pods.values()].filter(isCertain)
    const why = faults(truth.now, pod, certain)
    if (why.length === 0) return
    // Volumes are prepared between the decision and the binding, for as long as that takes.
    const hasVolumes = pod.spec.volumes?.some((volume) => volume.persistentVolumeClaim) ?? false
    const sinceMs = env.monotonicMs() - (hasVolumes ? calm.longMs : calm.lagMs('scheduler'))
    const atMs = env.monotonicMs()
    // Each by itself: a scheduler hears of nodes, pods and volumes one sooner than the other.
    calm.later(() => {
      const broken = why.filter((each) => !truth.ever(sinceMs, (moment) => !faults(moment, pod, certain).includes(each)))
      if (broken.length > 0) wrong.push(`${keyOf(pod)} was bound to ${pod.spec.nodeName} at ${atMs} ms against: ${broken.join()}`)
    })
  }
  truth.on('pods', ({ before, after }) => {
    if (!after?.spec.nodeName) return
    const isSame = before?.metadata.uid === after.metadata.uid
    if (!isSame || !before?.spec.nodeName) judge(after)
    else if (before.spec.nodeName !== after.spec.nodeName) wrong.push(`${keyOf(after)} moved to ${after.spec.nodeName}`)
  })
  return {
    get count() {
      return count
    },
  }
}
