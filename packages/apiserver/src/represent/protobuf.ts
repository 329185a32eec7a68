import { encodeProtobuf, type Kind, messageOfKind, messageOfType } from '@skiff/api'
import type { ValueReply } from '@skiff/client'
import { joinList, type KubeObject, type Message, notAcceptable, writeEnvelope, writeWatchFrame } from '@skiff/machinery'
import type { Entry } from '../registry/entry.ts'
import { served } from '../rest/update.ts'

export const protobufType = 'application/vnd.kubernetes.protobuf'

const raws = new WeakMap<Entry, Buffer>()

/** An entry's message without its envelope, made once a stored state. */
const rawOf = (kind: Kind, entry: Entry): Buffer => {
  const known = kind.conversion ? undefined : raws.get(entry)
  if (known) return known
  const made = encodeProtobuf(messageOfType(kind.typeName) as Message, served(kind, entry))
  if (!kind.conversion) raws.set(entry, made)
  return made
}

const enveloped = (kind: Kind, entry: Entry): Buffer =>
  writeEnvelope({ apiVersion: kind.apiVersion, kind: kind.kind, raw: rawOf(kind, entry) })

const reply = (bytes: Buffer, status: number): ValueReply => ({ status, bytes, contentType: protobufType })

export const protobufEntry = (kind: Kind, entry: Entry, status: number): ValueReply => reply(enveloped(kind, entry), status)

/** Any value of a registered kind in its envelope; refuses what has no protobuf form. */
export const protobufBytes = (value: unknown): Buffer => {
  const { apiVersion = '', kind = '' } = value as { apiVersion?: string; kind?: string }
  // The documents of the core group's discovery have no version on the wire.
  const message = messageOfKind(apiVersion || 'v1', kind)
  if (!message)
    throw notAcceptable(`object ${kind} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message`)
  return writeEnvelope({ apiVersion, kind, raw: encodeProtobuf(message, value as object) })
}

export const protobufValue = (value: unknown, status: number): ValueReply => reply(protobufBytes(value), status)

/** A list of entries: their messages are those that a get or a watch made. */
export const protobufList = (kind: Kind, metadata: object, entries: readonly Entry[]): ValueReply => {
  const listMeta = encodeProtobuf(messageOfType('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta') as Message, metadata)
  const raw = joinList(
    listMeta,
    entries.map((entry) => rawOf(kind, entry)),
  )
  return reply(writeEnvelope({ apiVersion: kind.apiVersion, kind: kind.listKind, raw }), 200)
}

/** One event of a watch. Bookmarks and errors have no entry. */
export const protobufFrame = (type: string, kind: Kind, entry: Entry | undefined, object: KubeObject): Buffer =>
  writeWatchFrame(type, entry ? enveloped(kind, entry) : protobufBytes(object))
