import { annotations, labels } from '../pods/naming.ts'
import type { SeenContainer, SeenPod, SeenSandbox } from '../pods/seen.ts'
import type { ContainerInfo, Runtime, SandboxInfo } from '../runtimes/runtime.ts'

/** Reads what a container said at its end, to be shown with its exit code. */
export type ReadLastWords = (info: ContainerInfo) => Promise<string>

/** Looks at one pod in the runtime. Remembers what cannot change any more, so a look costs two lists and what is new. */
export interface Observer {
  look(): Promise<SeenPod>
  readonly last: SeenPod
}

const ms = (ns: bigint): number => Number(ns / 1_000_000n)

export const createObserver = (runtime: Runtime, podUid: string, readLastWords: ReadLastWords): Observer => {
  const containers = new Map<string, SeenContainer>()
  const sandboxes = new Map<string, SeenSandbox>()
  let last: SeenPod = { sandboxes: [], containers: [] }
  const mine = { labels: { [labels.podUid]: podUid } }

  const container = async (id: string, sandboxId: string, state: SeenContainer['state']): Promise<SeenContainer | undefined> => {
    const known = containers.get(id)
    // A running container's facts are those of its start; an exited one's are final.
    if (known && known.state === state && state !== 'created') return known
    const info = await runtime.containerStatus(id)
    if (!info) return undefined
    const seen = seenContainer(info, sandboxId, info.state === 'exited' ? await readLastWords(info) : '')
    containers.set(id, seen)
    return seen
  }
  const sandbox = async (id: string, ready: boolean): Promise<SeenSandbox | undefined> => {
    const known = sandboxes.get(id)
    if (known && known.ready === ready) return known
    const info = await runtime.podSandboxStatus(id)
    if (!info) return undefined
    const seen = seenSandbox(info)
    sandboxes.set(id, seen)
    return seen
  }
  const forgetOthers = (known: Map<string, unknown>, present: readonly { readonly id: string }[]) => {
    if (known.size > present.length) for (const id of [...known.keys()]) if (!present.some((one) => one.id === id)) known.delete(id)
  }
  return {
    get last() {
      return last
    },
    look: async () => {
      const [boxRows, rows] = await Promise.all([runtime.listPodSandboxes(mine), runtime.listContainers(mine)])
      const boxes = await Promise.all(boxRows.map((row) => sandbox(row.sandboxId, row.ready)))
      const all = await Promise.all(rows.map((row) => container(row.containerId, row.sandboxId, row.state)))
      last = {
        sandboxes: boxes.filter((one) => one !== undefined).sort((a, b) => b.createdMs - a.createdMs || b.attempt - a.attempt),
        containers: all.filter((one) => one !== undefined).sort((a, b) => b.createdMs - a.createdMs || b.restartCount - a.restartCount),
      }
      forgetOthers(sandboxes, last.sandboxes)
      forgetOthers(containers, last.containers)
      return last
    },
  }
}

const seenContainer = (info: ContainerInfo, sandboxId: string, lastWords: string): SeenContainer => ({
  id: info.containerId,
  sandboxId,
  name: info.labels[labels.containerName] ?? info.name,
  restartCount: Number(info.annotations[annotations.restartCount] ?? info.attempt),
  hash: info.annotations[annotations.hash] ?? '',
  state: info.state,
  createdMs: ms(info.createdAtNs),
  startedMs: ms(info.startedAtNs),
  finishedMs: ms(info.finishedAtNs),
  exitCode: info.exitCode,
  reason: info.reason,
  message: [info.message, lastWords].filter((text) => text !== '').join(': '),
  image: info.image,
  imageId: info.imageRef,
})

const seenSandbox = (info: SandboxInfo): SeenSandbox => ({
  id: info.sandboxId,
  attempt: info.attempt,
  ready: info.ready,
  createdMs: ms(info.createdAtNs),
  ips: info.ip === '' ? [] : [info.ip, ...info.additionalIps],
  network: info.namespaces.network,
})
