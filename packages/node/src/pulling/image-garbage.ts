import type { Env } from '@skiff/machinery'
import type { ContainerSummary, ImageInfo, Runtime } from '../runtimes/runtime.ts'

const checkMs = 300_000
/** An image is not removed sooner after it was first seen. */
const youngMs = 120_000
// Later than upstream's 85 and 80 percent, for the same reason as disk pressure: this machine is not the cluster's alone.
const fullShare = 0.95
const enoughShare = 0.9

export interface DiskUse {
  readonly totalBytes: number
  readonly freeBytes: number
}

interface Known {
  readonly firstMs: number
  readonly usedMs: number
}

/** Removes images that no container uses, the longest unused first, when the disk is nearly full. Until `signal` aborts. */
export const collectImages = async (
  runtime: Runtime,
  env: Env,
  disk: () => Promise<DiskUse>,
  tell: (message: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  const known = new Map<string, Known>()
  while (!signal.aborted) {
    await env.sleep(checkMs, signal)
    if (signal.aborted) return
    try {
      const [images, containers, use] = await Promise.all([runtime.listImages(), runtime.listContainers(), disk()])
      note(known, images, containers, env.now())
      const wantedBytes = bytesToFree(use)
      if (wantedBytes === 0) continue
      const chosen = imagesToRemove(images, containers, known, wantedBytes, env.now())
      for (const image of chosen) await runtime.removeImage(image.id)
      const freed = chosen.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
      if (freed < wantedBytes)
        tell(
          `Failed to garbage collect required amount of images. Attempted to free ${wantedBytes} bytes, but only found ${freed} bytes eligible to free.`,
        )
    } catch (error) {
      if (!signal.aborted) env.log.warn('images were not collected', { error: String(error) })
    }
  }
}

const usesOf = (image: ImageInfo, containers: readonly ContainerSummary[]): boolean => {
  const names = new Set([image.id, ...image.tags, ...image.digests])
  return containers.some((container) => names.has(container.imageRef) || names.has(container.image))
}

const note = (known: Map<string, Known>, images: readonly ImageInfo[], containers: readonly ContainerSummary[], nowMs: number): void => {
  for (const id of known.keys()) if (!images.some((image) => image.id === id)) known.delete(id)
  for (const image of images) {
    const before = known.get(image.id)
    const firstMs = before?.firstMs ?? nowMs
    known.set(image.id, { firstMs, usedMs: usesOf(image, containers) ? nowMs : (before?.usedMs ?? firstMs) })
  }
}

/** 0 while there is room. */
export const bytesToFree = ({ totalBytes, freeBytes }: DiskUse): number => {
  const usedBytes = totalBytes - freeBytes
  return usedBytes < totalBytes * fullShare ? 0 : Math.ceil(usedBytes - totalBytes * enoughShare)
}

/** Pure: unused images, the longest unused first, until they make up what is wanted. */
export const imagesToRemove = (
  images: readonly ImageInfo[],
  containers: readonly ContainerSummary[],
  known: ReadonlyMap<string, Known>,
  wantedBytes: number,
  nowMs: number,
): ImageInfo[] => {
  const unused = images
    .filter((image) => !image.pinned && !usesOf(image, containers))
    .filter((image) => nowMs - (known.get(image.id)?.firstMs ?? nowMs) >= youngMs)
    .sort((a, b) => (known.get(a.id)?.usedMs ?? 0) - (known.get(b.id)?.usedMs ?? 0))
  const chosen: ImageInfo[] = []
  let sum = 0
  for (const image of unused) {
    if (sum >= wantedBytes) break
    chosen.push(image)
    sum += image.sizeBytes
  }
  return chosen
}
