import type { Env } from '@skiff/machinery'
import { type ImageInfo, RuntimeError } from '../runtime.ts'

export interface SimulatedImages {
  /** Present from the beginning. */
  readonly present?: readonly string[]
  readonly pullMs?: number
  /** Text of why an image cannot be pulled; undefined: it can. */
  readonly refuse?: (image: string) => string | undefined
}

export interface ImageStore {
  pull(image: string, waitMs: number | undefined, refused: boolean, signal: AbortSignal | undefined): Promise<string>
  find(image: string): ImageInfo | undefined
  list(): readonly ImageInfo[]
  remove(image: string): void
}

const hash = (text: string): string => {
  let value = 0xcbf29ce484222325n
  for (const byte of Buffer.from(text)) value = ((value ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn
  return value.toString(16).padStart(16, '0').repeat(4)
}

const withTag = (image: string): string => {
  const last = image.slice(image.lastIndexOf('/') + 1)
  return last.includes(':') || last.includes('@') ? image : `${image}:latest`
}

export const createImageStore = (env: Env, options: SimulatedImages): ImageStore => {
  const held = new Map<string, ImageInfo>()
  const put = (image: string): ImageInfo => {
    const name = withTag(image)
    const id = `sha256:${hash(name)}`
    const repository = name.replace(/@.*$/, '').replace(/:[^:/]*$/, '')
    const info: ImageInfo = { id, tags: [name], digests: [`${repository}@${id}`], sizeBytes: 1_000_000, username: '', pinned: false }
    held.set(name, info)
    return info
  }
  for (const image of options.present ?? []) put(image)
  const find = (image: string) =>
    held.get(withTag(image)) ?? [...held.values()].find((one) => one.id === image || one.digests.includes(image))
  return {
    pull: async (image, waitMs, refused, signal) => {
      const delayMs = waitMs ?? options.pullMs ?? 0
      if (delayMs > 0) await env.sleep(delayMs, signal)
      if (signal?.aborted) throw new RuntimeError('cancelled', 'context canceled')
      const why = options.refuse?.(image) ?? (refused ? 'not found' : undefined)
      if (why !== undefined) throw new RuntimeError('notFound', `failed to pull and unpack image ${JSON.stringify(withTag(image))}: ${why}`)
      return put(image).digests[0] as string
    },
    find,
    list: () => [...held.values()],
    remove: (image) => {
      const info = find(image)
      if (info) held.delete(info.tags[0] as string)
    },
  }
}
