import { daemonSet, deployment, event, job, type Node, node, type Pod, pod, type Resource, statefulSet } from '@skiff/api'
import type { Views } from '@skiff/client'
import { controllerOf, type KubeObject, keyOf } from '@skiff/machinery'
import { isPodReady, restartsOf, type Tally } from './tally.ts'
import type { Timeline } from './timeline.ts'

/** As long as warnings count as one and the same happening, and until it is told anew. */
const mergeMs = 1_000
const againMs = 300_000

type Change<T> = { readonly before: T | undefined; readonly after: T | undefined }
type Facts = { readonly [key: string]: unknown }

/** Tells a timeline what becomes of nodes, pods, workloads, and of warnings. Resolves when it sees all there is. */
export const observe = async (views: Views, timeline: Timeline, tally: Tally, now: () => number): Promise<void> => {
  const workloads = [deployment, statefulSet, daemonSet, job] as readonly Resource[]
  views.view(node).subscribe((change) => tellNode(timeline, change))
  views.view(pod).subscribe(({ before, after }) => {
    tally.pod(before, after, now())
    tellPod(timeline, { before, after })
  })
  for (const resource of workloads)
    views.view(resource).subscribe(({ before, after }) => tellWorkload(timeline, resource.kind, before, after))
  const toldMs = new Map<string, number>()
  views.view(event).subscribe(({ before, after }) => {
    if (after?.type !== 'Warning' || (before && before.count === after.count)) return
    const { kind = '', namespace, name = '' } = after.involvedObject
    // What stays as it is is told anew by its author every few seconds: here now and then.
    const text = `${after.reason} ${after.message}`
    const lastMs = toldMs.get(text)
    if (lastMs !== undefined && lastMs + mergeMs < now() && now() < lastMs + againMs) return
    if (lastMs === undefined || now() >= lastMs + againMs) toldMs.set(text, now())
    timeline.count(
      `warning ${after.reason}`,
      `× ${after.message ?? ''}`,
      kind === 'Pod' ? undefined : `${kind} ${namespace ? `${namespace}/` : ''}${name}`,
    )
  })
  await views.synced()
}

const readyOf = (object: Node | undefined): string | undefined => object?.status?.conditions?.find(({ type }) => type === 'Ready')?.status

const tellNode = (timeline: Timeline, { before, after }: Change<Node>): void => {
  const name = (after ?? before)?.metadata.name as string
  const count = (what: string, is: boolean) => {
    if (is) timeline.count('nodes', what, name)
  }
  count('joined', !before)
  count('gone', !after)
  if (!after) return
  const [was, is] = [readyOf(before), readyOf(after)]
  count('ready', is === 'True' && was !== 'True')
  count('not ready', is === 'False' && was !== 'False')
  count('silent', is === 'Unknown' && was !== 'Unknown')
  const drives = ({ spec }: Node) => (spec.taints ?? []).some(({ effect }) => effect === 'NoExecute')
  count('being emptied', drives(after) && !(before && drives(before)))
  count('cordoned', after.spec.unschedulable === true && before?.spec.unschedulable !== true)
  count('uncordoned', before?.spec.unschedulable === true && after.spec.unschedulable !== true)
}

const groupOf = (one: Pod): { readonly subject: string; readonly name: string | undefined } => {
  const owner = controllerOf(one)
  if (!owner) return { subject: 'pods', name: keyOf(one) }
  return { subject: `pods of ${owner.kind} ${one.metadata.namespace}/${owner.name}`, name: undefined }
}

const tellPod = (timeline: Timeline, change: Change<Pod>): void => {
  const { after } = change
  const replaced = change.before && after && change.before.metadata.uid !== after.metadata.uid
  if (replaced) tellPod(timeline, { before: change.before, after: undefined })
  const before = replaced ? undefined : change.before
  const { subject, name } = groupOf((after ?? before) as Pod)
  const count = (what: string, is: boolean, detail = name) => {
    if (is) timeline.count(subject, what, detail)
  }
  count('created', !before)
  count('gone', !after)
  if (!after) return
  const phase = after.status?.phase
  count('scheduled', after.spec.nodeName !== undefined && before?.spec.nodeName === undefined, after.spec.nodeName)
  count('ready', isPodReady(after) && !isPodReady(before))
  count('no longer ready', isPodReady(before) && !isPodReady(after) && phase === 'Running' && !after.metadata.deletionTimestamp)
  count('restarted', restartsOf(after) > restartsOf(before))
  count('succeeded', phase === 'Succeeded' && before?.status?.phase !== 'Succeeded')
  count('failed', phase === 'Failed' && before?.status?.phase !== 'Failed', after.status?.reason ?? name)
  const disrupted = after.status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True')?.reason
  count(
    'being deleted',
    after.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined,
    disrupted ?? name,
  )
}

interface Workload {
  readonly spec?: { readonly replicas?: number; readonly template?: unknown; readonly suspend?: boolean }
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[]
  } & Facts
}

const tellWorkload = (timeline: Timeline, kind: string, before: KubeObject | undefined, after: KubeObject | undefined): void => {
  const subject = `${kind} ${keyOf((after ?? before) as KubeObject)}`
  const [was, is] = [before as Workload | undefined, after as Workload | undefined]
  if (!after || !is) timeline.tell(subject, 'gone')
  else if (!was) timeline.tell(subject, is.spec?.replicas === undefined ? 'created' : `created with ${is.spec.replicas} replicas`)
  else for (const word of changes(kind, before as KubeObject, after)) timeline.tell(subject, word)
}

const changes = (kind: string, before: KubeObject, after: KubeObject): string[] => {
  const [was, is] = [before as Workload, after as Workload]
  const found: string[] = []
  const { replicas } = is.spec ?? {}
  if (replicas !== was.spec?.replicas) found.push(`scaled from ${was.spec?.replicas} to ${replicas}`)
  if (before.metadata.generation !== after.metadata.generation && JSON.stringify(was.spec?.template) !== JSON.stringify(is.spec?.template))
    found.push('gets a new template')
  if (is.spec?.suspend !== was.spec?.suspend && kind === 'Job') found.push(is.spec?.suspend ? 'suspended' : 'resumed')
  return [...found, ...turned(was, is)]
}

/** Conditions that turned, in words. */
const words: Readonly<Record<string, string>> = {
  'Available True': 'available',
  'Available False': 'unavailable',
  'Progressing NewReplicaSetAvailable': 'rolled out',
  'Progressing ProgressDeadlineExceeded': 'late: its progress deadline is exceeded',
  'Complete True': 'complete',
  'Failed True': 'failed',
}

const turned = (was: Workload, is: Workload): string[] =>
  (is.status?.conditions ?? []).flatMap(({ type, status, reason }) => {
    const old = was.status?.conditions?.find((each) => each.type === type)
    const byStatus = old?.status !== status ? words[`${type} ${status}`] : undefined
    const byReason = old?.reason !== reason ? words[`${type} ${reason}`] : undefined
    return [byStatus, byReason].filter((word) => word !== undefined)
  })
