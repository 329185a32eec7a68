import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from '@skiff/api'
import { type Env, parseQuantity, quantityText, quantityValue, quoted } from '@skiff/machinery'
import { volumeDirectory } from '../files/places.ts'
import type { PodEvents } from './pod-events.ts'
import type { PodWorker } from './worker.ts'

const checkMs = 10_000

/** Ends pods whose emptyDir volumes have outgrown their limits, until `signal` aborts. Those in memory are held back by the kernel. */
export const enforceSizeLimits = async (
  root: string,
  env: Env,
  workers: () => Iterable<PodWorker>,
  events: PodEvents,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    await env.sleep(checkMs, signal)
    for (const worker of signal.aborted ? [] : [...workers()]) {
      const { pod } = worker
      const excess = isOver(worker) ? undefined : await excessOf(root, pod)
      if (excess === undefined) continue
      events.pod(pod, 'Warning', 'Evicted', excess)
      worker.end('Evicted', excess, 0)
    }
  }
}

const isOver = ({ pod, status }: PodWorker): boolean =>
  pod.metadata.deletionTimestamp !== undefined || status?.phase === 'Failed' || status?.phase === 'Succeeded'

const excessOf = async (root: string, pod: Pod): Promise<string | undefined> => {
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    if (emptyDir?.sizeLimit === undefined || emptyDir.medium === 'Memory') continue
    const limitBytes = quantityValue(emptyDir.sizeLimit)
    const directory = volumeDirectory(root, pod.metadata.uid, 'empty-dir', name)
    if (limitBytes > 0 && (await usedBytes(directory, limitBytes)) > limitBytes) {
      return `Usage of EmptyDir volume ${quoted(name)} exceeds the limit ${quoted(quantityText(parseQuantity(emptyDir.sizeLimit)))}. `
    }
  }
  return undefined
}

/** Counting stops once it is more than `enough`. */
const usedBytes = async (path: string, enough: number): Promise<number> => {
  const info = await lstat(path).catch(() => undefined)
  if (!info) return 0
  let sum = info.blocks * 512
  if (!info.isDirectory()) return sum
  for (const name of await readdir(path).catch(() => [])) {
    if (sum > enough) return sum
    sum += await usedBytes(join(path, name), enough - sum)
  }
  return sum
}
