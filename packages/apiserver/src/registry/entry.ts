import type { Kind } from '@skiff/api'
import { type EncodedObject, type KubeObject, parseOwnJson, withVersion } from '@skiff/machinery'
import { withSharedFields } from '../managed-fields/shared-fields.ts'

/** One stored object as the server holds it: decoded, and encoded once. Shared by all readers; never changed. */
export interface Entry {
  /** `namespace/name`, or `name`. */
  readonly key: string
  readonly revision: number
  /** In the stored version, resourceVersion included. */
  readonly object: KubeObject
  /** The wire form of `object`, with the newline that ends a response. */
  readonly bytes: Buffer
}

const withRevision = (object: KubeObject, revision: number): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(revision) },
})

/** The entry that a commit at `revision` makes of an object and its encoding. */
export const entryOf = (key: string, object: KubeObject, encoded: EncodedObject, revision: number): Entry => ({
  key,
  revision,
  object: withRevision(object, revision),
  bytes: Buffer.from(`${withVersion(encoded, revision)}\n`),
})

/** The entry of stored bytes, which hold no resourceVersion. */
export const entryFromStored = (kind: Kind, key: string, value: Uint8Array, revision: number): Entry => {
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()
  const object = withSharedFields(parseOwnJson(text) as KubeObject)
  if (object.apiVersion !== kind.apiVersion) return entryOfOtherVersion(kind, key, object, revision)
  const at = text.indexOf('"uid":"')
  const encoded = at < 0 ? kind.codec.encode(object) : { text, versionAt: text.indexOf('"', at + 7) + 2 }
  return entryOf(key, object, encoded, revision)
}

/** Stored before the definition named another version to store: versions of one definition differ in name alone, and built-in ones know more. */
const entryOfOtherVersion = (kind: Kind, key: string, stored: KubeObject, revision: number): Entry => {
  const object = kind.fromOtherVersion?.(stored) ?? { ...stored, apiVersion: kind.apiVersion }
  return entryOf(key, object, kind.codec.encode(object), revision)
}

/** The last state of a deleted object as its DELETED event shows it: with the revision of the deletion. */
export const atRevision = (kind: Kind, entry: Entry, revision: number): Entry =>
  entryOf(entry.key, entry.object, kind.codec.encode(entry.object), revision)
