import type { Kind } from '@skiff/api'
import { type EncodedObject, encodedBefore, type KubeObject, parseOwnJson, withVersion } from '@skiff/machinery'
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
  bytes: withVersion(encoded, revision),
})

/** The entry of stored bytes, which hold no resourceVersion. */
export const entryFromStored = (kind: Kind, key: string, value: Uint8Array, revision: number): Entry => {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const written = parseOwnJson(bytes.toString()) as KubeObject
  const isOfKind = written.apiVersion === kind.apiVersion
  const stored = withSharedFields((isOfKind ? kind.codec.read?.(written) : undefined) ?? written)
  const object = kind.revive ? kind.revive(stored) : stored
  if (object !== stored || object.apiVersion !== kind.apiVersion) return entryOfChanged(kind, key, object, revision)
  const shown = kind.behaviour.defaultOnRead?.(object) ?? object
  if (shown !== object) return entryOf(key, shown, kind.codec.encode(shown), revision)
  const encoded = encodedBefore(bytes)
  return entryOf(key, object, encoded.versionAt < 0 ? kind.codec.encode(object) : encoded, revision)
}

/** Stored in another version, which built-in kinds know more of, or under another schema than today's. */
const entryOfChanged = (kind: Kind, key: string, changed: KubeObject, revision: number): Entry => {
  const other = changed.apiVersion !== kind.apiVersion
  const object = other ? (kind.fromOtherVersion?.(changed) ?? { ...changed, apiVersion: kind.apiVersion }) : changed
  return entryOf(key, object, kind.codec.encode(object), revision)
}

/** The entries of rows as the store has them; objects of other versions are converted together where a webhook does it. */
export const entriesFromStored = async (
  kind: Kind,
  rows: readonly { readonly key: string; readonly value: Uint8Array; readonly revision: number }[],
): Promise<readonly Entry[]> => {
  const entries = rows.map(({ key, value, revision }) =>
    kind.convertStored && isOther(kind, value) ? undefined : entryFromStored(kind, key, value, revision),
  )
  const others = rows.filter((_, index) => entries[index] === undefined)
  if (others.length === 0 || !kind.convertStored) return entries as Entry[]
  const converted = await kind.convertStored(others.map(({ value }) => parseOwnJson(Buffer.from(value).toString()) as KubeObject))
  const made = others.map(({ key, revision }, index) =>
    entryOfChanged(kind, key, kind.revive?.(converted[index] as KubeObject) ?? (converted[index] as KubeObject), revision),
  )
  return entries.map((entry) => entry ?? (made.shift() as Entry))
}

/** Encoders write the version first. */
const isOther = (kind: Kind, value: Uint8Array): boolean =>
  !Buffer.from(value.buffer, value.byteOffset, Math.min(value.byteLength, 512))
    .toString()
    .startsWith(`{"apiVersion":${JSON.stringify(kind.apiVersion)},`)

/** The last state of a deleted object as its DELETED event shows it: with the revision of the deletion. */
export const atRevision = (kind: Kind, entry: Entry, revision: number): Entry =>
  entryOf(entry.key, entry.object, kind.codec.encode(entry.object), revision)
