import type { KubeObject } from '@skiff/machinery'

const byUsers = ['labels', 'annotations', 'ownerReferences', 'finalizers'] as const

/** For writes of a status that may not touch what users set in the metadata. */
export const withOldMetadata = <T extends KubeObject>(next: T, old: T, kept: readonly (typeof byUsers)[number][] = byUsers): T => {
  const metadata: Record<string, unknown> = { ...next.metadata }
  for (const field of kept)
    if (old.metadata[field] === undefined) delete metadata[field]
    else metadata[field] = old.metadata[field]
  return { ...next, metadata }
}
