import type { Pod } from '@skiff/api'
import type { View } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { annotations, labels } from '../pods/naming.ts'
import type { ContainerSummary, Runtime, RuntimeEvent, SandboxSummary } from '../runtimes/runtime.ts'
import { createRechecks } from './recheck.ts'
import { type PodWorker, startWorker, type WorkerTools } from './worker.ts'

export interface PodsOptions {
  readonly tools: WorkerTools
  readonly runtime: Runtime
  readonly env: Env
  readonly nodeName: string
  /** Pods of this node, and perhaps others. */
  readonly view: View<Pod>
  /** A pod came or changed: what it refers to may have to be followed. */
  readonly onPod?: (pod: Pod) => void
  readonly onGone?: (uid: string) => void
  /** Why a pod that is new here cannot run on this node; users see it as its reason. */
  readonly refuse?: (pod: Pod, others: Iterable<Pod>) => { readonly reason: string; readonly message: string } | undefined
}

/** The workers of all pods of this node, and of what the runtime holds of pods that are gone. */
export interface Pods {
  worker(uid: string): PodWorker | undefined
  named(namespace: string, name: string): PodWorker | undefined
  all(): Iterable<PodWorker>
  stop(): Promise<void>
}

/** How often everything is listed where the runtime tells nothing, and how long after a loss events are asked for anew. */
const blindRelistMs = 1_000

export const startPods = async (options: PodsOptions): Promise<Pods> => {
  const { tools, runtime, env, view } = options
  const stopping = new AbortController()
  const workers = new Map<string, PodWorker>()
  const rechecks = createRechecks(env, () => relist(), stopping.signal)

  let isCaughtUp = false
  const add = (pod: Pod, isFresh: boolean): PodWorker => {
    const { uid } = pod.metadata
    const onOver = () => {
      if (workers.get(uid) === worker) workers.delete(uid)
      options.onGone?.(uid)
    }
    const worker = startWorker(tools, pod, isFresh, { onOver, onStart: () => rechecks.stir() })
    workers.set(uid, worker)
    return worker
  }
  const arrive = (pod: Pod): void => {
    const worker = workers.get(pod.metadata.uid)
    options.onPod?.(pod)
    if (worker) {
      worker.update(pod)
      return
    }
    const others = [...workers.values()].map((one) => one.pod)
    const refusal = isNew(pod) ? options.refuse?.(pod, others) : undefined
    const made = add(pod, isCaughtUp && isNew(pod))
    if (!refusal) return
    tools.events.pod(pod, 'Warning', refusal.reason, refusal.message)
    made.end(refusal.reason, `Pod was rejected: ${refusal.message}`)
  }
  const unsubscribe = view.subscribe(({ before, after }) => {
    if (before && before.metadata.uid !== after?.metadata.uid) workers.get(before.metadata.uid)?.vanish()
    if (after && after.spec.nodeName === options.nodeName) arrive(after)
  })
  await view.synced
  // What comes from now on has only just been bound to this node.
  isCaughtUp = true

  /** What each pod looks like in the runtime, and pods that nobody knows any more. */
  const relist = async (): Promise<void> => {
    const [sandboxes, containers] = await Promise.all([runtime.listPodSandboxes(), runtime.listContainers()])
    const known = new Set([...view.list()].map((pod) => pod.metadata.uid))
    const orphans = new Map<string, Pod>()
    for (const sandbox of sandboxes) {
      const uid = sandbox.labels[labels.podUid] ?? sandbox.podUid
      if (uid !== '' && !known.has(uid) && !workers.has(uid)) orphans.set(uid, orphanOf(uid, sandbox, containers))
    }
    for (const pod of orphans.values()) {
      env.log.info('ending what is left of a pod that is gone', { pod: `${pod.metadata.namespace}/${pod.metadata.name}` })
      add(pod, false).vanish()
    }
    const there = statesByPod(sandboxes, containers)
    // One that is at work looks again after it.
    for (const [uid, worker] of workers) if (!worker.isBusy && statesOf(worker) !== there(uid)) worker.nudge()
  }
  /** An event of what no worker has seen yet may belong to any that is at work just now. */
  const concerned = ({ podUid, containerId, sandboxId }: RuntimeEvent): PodWorker[] => {
    const named = podUid === undefined ? undefined : workers.get(podUid)
    if (named) return [named]
    const ids = new Set([containerId, sandboxId])
    const owns = ({ seen }: PodWorker) => [...seen.containers, ...seen.sandboxes].some(({ id }) => ids.has(id))
    const owners = [...workers.values()].filter(owns)
    return owners.length > 0 ? owners : [...workers.values()].filter((worker) => worker.isBusy)
  }
  const listen = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const events = runtime.events(stopping.signal)
      try {
        if (!events) {
          await env.sleep(blindRelistMs, stopping.signal)
          if (workers.size > 0) await relist()
          continue
        }
        await relist()
        // What happens before the runtime has begun to tell is found by the recheck.
        rechecks.stir()
        for await (const event of events) {
          rechecks.stir()
          for (const worker of concerned(event)) worker.nudge()
        }
      } catch (error) {
        if (!stopping.signal.aborted) env.log.warn('events of the runtime ended', { error: String(error) })
      }
      if (events) await env.sleep(blindRelistMs, stopping.signal)
    }
  }
  await relist().catch((error) => env.log.warn('the runtime cannot be listed yet', { error: String(error) }))
  const running = Promise.all([listen(), rechecks.run()])

  return {
    worker: (uid) => workers.get(uid),
    named: (namespace, name) => {
      const same = [...workers.values()].filter(({ pod }) => pod.metadata.name === name && pod.metadata.namespace === namespace)
      return same.find(({ pod }) => view.get(`${namespace}/${name}`)?.metadata.uid === pod.metadata.uid) ?? same.at(-1)
    },
    all: () => workers.values(),
    stop: async () => {
      unsubscribe()
      stopping.abort()
      await Promise.all([...workers.values()].map((worker) => worker.stop()))
      await running
    },
  }
}

/** Has not been looked at by any agent yet. */
const isNew = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined && pod.status?.startTime === undefined

/** Which sandboxes and containers there are and in which states, as a text that compares. */
const stateText = (states: readonly string[]): string => [...states].sort().join()

const statesOf = ({ seen }: PodWorker): string =>
  stateText([...seen.sandboxes.map((one) => `${one.id}${one.ready}`), ...seen.containers.map((one) => `${one.id}${one.state}`)])

const statesByPod = (sandboxes: readonly SandboxSummary[], containers: readonly ContainerSummary[]): ((uid: string) => string) => {
  const states = new Map<string, string[]>()
  const add = (uid = '', state: string) => {
    const known = states.get(uid)
    if (known) known.push(state)
    else states.set(uid, [state])
  }
  for (const one of sandboxes) add(one.labels[labels.podUid], `${one.sandboxId}${one.ready}`)
  for (const one of containers) add(one.labels[labels.podUid], `${one.containerId}${one.state}`)
  return (uid) => stateText(states.get(uid) ?? [])
}

/** As much of a pod as its sandbox and containers remember: enough to end it properly. */
const orphanOf = (uid: string, sandbox: SandboxSummary, all: readonly ContainerSummary[]): Pod => {
  const own = all.filter((container) => container.labels[labels.podUid] === uid)
  const grace = own.map((container) => Number(container.annotations[annotations.terminationGracePeriod])).find(Number.isFinite)
  const names = [...new Set(own.map((container) => container.labels[labels.containerName] ?? container.name))]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: sandbox.podName, namespace: sandbox.podNamespace, uid, resourceVersion: '', creationTimestamp: '' },
    spec: {
      containers: names.map((name) => ({ name, ...hooksOf(own.find((container) => container.labels[labels.containerName] === name)) })),
      ...(grace !== undefined ? { terminationGracePeriodSeconds: grace } : {}),
    },
  }
}

const hooksOf = (container: ContainerSummary | undefined) => {
  const text = container?.annotations[annotations.preStopHandler]
  return text ? { lifecycle: { preStop: JSON.parse(text) as object } } : {}
}
