import type { Kind } from '@skiff/api'
import type { KubeObject } from '@skiff/machinery'
import { encodeFrame, type ServedFrame } from './frame.ts'

/** Tells a watcher that what it began with is complete. */
const initialEventsEnd = { 'k8s.io/initial-events-end': 'true' }

/** An object of the kind with nothing but a version: up to there the watcher has seen everything. `initial`: the beginning ends here. */
export const bookmarkFrame = (kind: Kind, revision: number, initial = false): ServedFrame => {
  const annotations = initial ? { annotations: initialEventsEnd } : {}
  const resourceVersion = String(revision)
  const { text, object } = kind.custom
    ? customBookmark(kind, { ...annotations, resourceVersion })
    : builtinBookmark(kind, { resourceVersion, creationTimestamp: null, ...annotations })
  return { type: 'BOOKMARK', object, encoded: () => encodeFrame('BOOKMARK', Buffer.from(`${text}\n`)) }
}

type Bookmark = { readonly text: string; readonly object: KubeObject }

/** Of custom kinds Go has maps, which are written in their keys' order. */
const customBookmark = ({ apiVersion, kind }: Kind, metadata: object): Bookmark => {
  const object = { apiVersion, kind, metadata } as unknown as KubeObject
  return { text: JSON.stringify(object), object }
}

const bareMetadata = '"metadata":{"creationTimestamp":null}'

/** Of others it has structs, which show their unset fields too. */
const builtinBookmark = (kind: Kind, metadata: object): Bookmark => {
  const bare = { kind: kind.kind, apiVersion: kind.apiVersion, metadata: {} } as KubeObject
  const text = kind.codec
    .encode(bare)
    .bytes.toString()
    .replace(bareMetadata, () => `"metadata":${JSON.stringify(metadata)}`)
  return { text, object: { ...bare, metadata: metadata as KubeObject['metadata'] } }
}
