import type { Kind } from '@skiff/api'
import type { Call, Frame, ListValue, Reply, ValueReply } from '@skiff/client'
import { badRequest, dumpYaml, encodeJson, type KubeObject, notAcceptable, writeWatchFrame } from '@skiff/machinery'
import type { Entry } from '../registry/entry.ts'
import { queryFlag, queryValue } from '../rest/context.ts'
import type { Page } from '../rest/read.ts'
import { served } from '../rest/update.ts'
import { encodeFrame, type ServedFrame } from '../watch/frame.ts'
import { type Form, formOf } from './accept.ts'
import { entriesOfPage, listHead, listParts, type Tables } from './parts.ts'
import { protobufBytes, protobufEntry, protobufFrame, protobufList, protobufType, protobufValue } from './protobuf.ts'

const json = 'application/json'
const isPlain = (form: Form): boolean => form.encoding === 'json' && form.as === 'object' && !form.pretty

/** A value in the form's encoding, with the newline that Go's encoder ends with. */
const encoded = (value: unknown, form: Form, status = 200): ValueReply => {
  if (form.encoding === 'protobuf') return protobufValue(value, status)
  if (form.encoding === 'yaml') return { status, bytes: Buffer.from(dumpYaml(value)), contentType: 'application/yaml' }
  const text = form.pretty ? JSON.stringify(JSON.parse(encodeJson(value)), null, 2) : encodeJson(value)
  return { status, bytes: Buffer.from(form.pretty ? text : `${text}\n`), contentType: json }
}

const prettily = (call: Call, form: Form): Form => {
  if (call.query.pretty === undefined) return form
  const value = queryValue(call, 'pretty')
  return { ...form, pretty: value !== 'false' && value !== '0' }
}

/** Any plain answer, such as a Status or a review: as it is for a near caller, encoded for a far one. */
export const replyValue = (call: Call, value: unknown, status = 200): ValueReply =>
  call.accept === undefined ? { status, object: value } : encoded(value, prettily(call, formOf(call.accept)), status)

/** One stored object. */
export const replyEntry = (call: Call, kind: Kind, entry: Entry, tables: Tables, status = 200): ValueReply => {
  if (call.accept === undefined) return { status, object: served(kind, entry) }
  const form = prettily(call, formOf(call.accept, !kind.custom))
  if (isPlain(form) && !kind.conversion) return { status, bytes: entry.bytes, contentType: json }
  if (form.encoding === 'protobuf' && form.as === 'object') return protobufEntry(kind, entry, status)
  const object = served(kind, entry)
  if (form.as === 'object')
    return isPlain(form) ? plainObject(kind, object, entry.revision, status) : encoded(wireOf(kind, object, entry), form, status)
  return encoded(transformed(kind, [object], form, call, tables, { resourceVersion: object.metadata.resourceVersion }, false), form, status)
}

/** The wire form of an object in a version that is not the stored one. */
const plainObject = (kind: Kind, object: KubeObject, revision: number, status: number): ValueReply => {
  const { text, versionAt } = kind.codec.encode(object)
  const whole =
    revision > 0 && versionAt >= 0 ? `${text.slice(0, versionAt)}"resourceVersion":"${revision}",${text.slice(versionAt)}` : text
  return { status, bytes: Buffer.from(`${whole}\n`), contentType: json }
}

const wireOf = (kind: Kind, object: KubeObject, entry: Entry): unknown =>
  JSON.parse(kind.conversion ? (plainObject(kind, object, entry.revision, 200).bytes as Buffer).toString() : entry.bytes.toString())

/** A list. */
export const replyPage = (call: Call, page: Page, tables: Tables): ValueReply => {
  if (call.accept === undefined) return { status: 200, object: listValue(page) }
  const { kind } = page
  const form = prettily(call, formOf(call.accept, !kind.custom))
  if (isPlain(form) && !kind.conversion) return { status: 200, bytes: listParts(page), contentType: json }
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continue ? { continue: page.continue } : {}),
    ...(page.remaining ? { remainingItemCount: page.remaining } : {}),
  }
  if (form.encoding === 'protobuf' && form.as === 'object') return protobufList(kind, metadata, entriesOfPage(page))
  const objects = entriesOfPage(page).map((entry) => served(kind, entry))
  if (form.as === 'object') return wholeList(page, objects, form)
  return encoded(transformed(kind, objects, form, call, tables, metadata, true), form)
}

const wholeList = (page: Page, objects: readonly KubeObject[], form: Form): ValueReply => {
  const items = objects.map((object) =>
    withoutType(JSON.parse((plainObject(page.kind, object, Number(object.metadata.resourceVersion), 200).bytes as Buffer).toString())),
  )
  return encoded({ ...JSON.parse(`${listHead(page)}]}`), items }, form)
}
const withoutType = ({ kind: _, apiVersion: __, ...rest }: Record<string, unknown>): Record<string, unknown> => rest

const listValue = (page: Page): ListValue => ({
  apiVersion: page.kind.apiVersion,
  kind: page.kind.listKind,
  metadata: {
    resourceVersion: String(page.revision),
    ...(page.continue ? { continue: page.continue } : {}),
    ...(page.remaining ? { remainingItemCount: page.remaining } : {}),
  },
  items: entriesOfPage(page).map((entry) => served(page.kind, entry)),
})

const partial = (object: KubeObject, version: string) => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata: object.metadata,
})

const transformed = (
  kind: Kind,
  objects: readonly KubeObject[],
  form: Form,
  call: Call,
  tables: Tables,
  metadata: Readonly<Record<string, unknown>>,
  isList: boolean,
): unknown => {
  const apiVersion = `meta.k8s.io/${form.version}`
  switch (form.as) {
    case 'Table':
      return tables.table(kind, objects, {
        include: includeOf(call),
        version: form.version,
        metadata,
        headers: !queryFlag(call, 'noHeaders'),
      })
    case 'PartialObjectMetadata':
      if (isList) throw notAcceptable('you requested PartialObjectMetadata, but the requested object is a list (*internalversion.List)')
      return partial(objects[0] as KubeObject, form.version)
    case 'PartialObjectMetadataList':
      if (!isList) throw notAcceptable('you requested PartialObjectMetadataList, but the requested object is not a list')
      return { kind: 'PartialObjectMetadataList', apiVersion, metadata, items: objects.map((object) => partial(object, form.version)) }
    case 'object':
      return objects[0]
  }
}

const includeOf = (call: Call): 'None' | 'Metadata' | 'Object' => {
  const given = queryValue(call, 'includeObject') ?? ''
  if (given === '' || given === 'Metadata') return 'Metadata'
  if (given === 'None' || given === 'Object') return given
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(given)}`)
}

/** A watch: frames as they are for a near caller; a far one gets bytes, shared wherever the plain form is asked for. */
export const replyWatch = (call: Call, kind: Kind, frames: AsyncIterable<readonly ServedFrame[]>, tables: Tables): Reply => {
  if (call.accept === undefined && !kind.conversion) return { watch: frames }
  const form = call.accept === undefined ? undefined : formOf(call.accept, !kind.custom)
  if (form && isPlain(form) && !kind.conversion) return { watch: frames }
  if (form?.encoding === 'yaml')
    throw notAcceptable('only the following media types are accepted: application/json, application/vnd.kubernetes.protobuf;stream=watch')
  if (form?.encoding === 'protobuf')
    return {
      watch: mapFrames(frames, protobufTransform(kind, form), sharedBy(`${kind.apiVersion} ${form.as} ${form.version}`)),
      contentType: `${protobufType};stream=watch`,
    }
  return { watch: mapFrames(frames, frameTransform(call, kind, form, tables)) }
}

const protobufTransform =
  (kind: Kind, form: Form) =>
  (frame: ServedFrame): ServedFrame => {
    const { type, entry, object } = frame
    if (type === 'ERROR' || form.as === 'object') return { type, object, encoded: () => protobufFrame(type, kind, entry, object) }
    const value = partial(entry ? served(kind, entry) : object, form.version)
    return { type, object, encoded: () => writeWatchFrame(type, protobufBytes(value)) }
  }

/** What a bookmark carries, with what tables want to look at. */
const whole = (kind: Kind, bookmark: Frame['object']): KubeObject => {
  const { metadata } = bookmark as KubeObject
  return { ...kind.codec.decode({ apiVersion: kind.apiVersion, kind: kind.kind, metadata: {} }).object, metadata }
}

const frameTransform = (call: Call, kind: Kind, form: Form | undefined, tables: Tables) => {
  // A table names its columns in the first frame only.
  let headers = true
  return (frame: ServedFrame): ServedFrame => {
    const { entry, type } = frame
    if (type === 'ERROR' || (!entry && (!form || form.as === 'object'))) return frame
    const object = entry ? served(kind, entry) : whole(kind, frame.object)
    if (!form) return { type, object }
    const value =
      form.as === 'object'
        ? wireOf(kind, object, entry as Entry)
        : form.as === 'Table'
          ? tables.table(kind, [object], {
              include: includeOf(call),
              version: form.version,
              metadata: { resourceVersion: object.metadata.resourceVersion },
              headers,
            })
          : partial(object, form.version)
    headers = false
    return { type, object: value as Frame['object'], encoded: () => encodeFrame(type, Buffer.from(`${encodeJson(value)}\n`)) }
  }
}

async function* mapFrames(
  frames: AsyncIterable<readonly ServedFrame[]>,
  change: (frame: ServedFrame) => ServedFrame,
  made: WeakMap<readonly ServedFrame[], readonly ServedFrame[]> = new WeakMap(),
): AsyncIterable<readonly ServedFrame[]> {
  for await (const batch of frames) {
    const known = made.get(batch)
    const changed = known ?? batch.map(change)
    if (!known) made.set(batch, changed)
    yield changed
  }
}

/** Batches in another form, by form: watches that share a batch share what was made of it. */
const forms = new Map<string, WeakMap<readonly ServedFrame[], readonly ServedFrame[]>>()
const sharedBy = (form: string): WeakMap<readonly ServedFrame[], readonly ServedFrame[]> => {
  const known = forms.get(form)
  if (known) return known
  const made = new WeakMap<readonly ServedFrame[], readonly ServedFrame[]>()
  forms.set(form, made)
  return made
}
