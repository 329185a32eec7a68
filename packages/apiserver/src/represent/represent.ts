import { cborOf, type Kind, orderedMetadata, parseGoBool } from '@skiff/api'
import type { Call, Frame, ListValue, Reply, StreamReply, ValueReply } from '@skiff/client'
import {
  badRequest,
  dumpYaml,
  encodeCborEvent,
  encodeJson,
  type KubeObject,
  notAcceptable,
  withVersion,
  writeWatchFrame,
} from '@skiff/machinery'
import type { Entry } from '../registry/entry.ts'
import { packageOf } from '../rest/body.ts'
import { queryValue } from '../rest/context.ts'
import type { Page } from '../rest/read.ts'
import { served } from '../rest/update.ts'
import { encodeFrame, type ServedFrame } from '../watch/frame.ts'
import { checkStreams, type Form, formOf, plain } from './accept.ts'
import { indentedJson } from './indented-json.ts'
import { atOnceObjects, type LongList, streamList } from './long-list.ts'
import { entriesOfPage, listAround, listParts, type Tables, versionOf } from './parts.ts'
import { protobufBytes, protobufEntry, protobufFrame, protobufList, protobufType, protobufValue } from './protobuf.ts'

const json = 'application/json'
const isPlain = (form: Form): boolean => form.encoding === 'json' && form.as === 'object' && !form.pretty

/** A value in the form's encoding, with the newline that Go's encoder ends with. */
export const encoded = (value: unknown, form: Form, status = 200): ValueReply => {
  if (form.encoding === 'protobuf') return protobufValue(value, status)
  if (form.encoding === 'yaml') return { status, bytes: Buffer.from(dumpYaml(value)), contentType: 'application/yaml' }
  if (form.encoding === 'cbor') return { status, bytes: cborOf(value), contentType: 'application/cbor' }
  return { status, bytes: Buffer.from(form.pretty ? indentedJson(value) : `${encodeJson(value)}\n`), contentType: json }
}

/** Who reads without a program gets what is easy to read: upstream knows them by how their names begin. */
const human = /^(?:curl|Wget|Mozilla\/5\.0)/

/** Whether JSON is to be indented, by the query before anything else. */
export const isPretty = (asked: string | undefined, userAgent: string | undefined): boolean =>
  asked ? parseGoBool(asked) === true : userAgent !== undefined && human.test(userAgent)

const prettily = (call: Call, form: Form): Form => {
  if (form.pretty || form.encoding !== 'json') return form
  const asked = call.query.pretty === undefined ? undefined : queryValue(call, 'pretty')
  return isPretty(asked, call.userAgent) ? { ...form, pretty: true } : form
}

export const formFor = (call: Call, kind: Kind | undefined): Form => {
  if (call.accept === json) return plain
  const of = kind === undefined ? 'plain' : kind.custom ? 'custom' : 'builtin'
  return formOf(call.accept, { of, cbor: call.cbor === true, many: call.verb === 'list' || call.verb === 'watch' })
}

/** Any plain answer, such as a Status or a review: as it is for a near caller, encoded for a far one. */
export const replyValue = (call: Call, value: unknown, status = 200): ValueReply =>
  call.accept === undefined ? { status, object: value } : encoded(value, prettily(call, formFor(call, undefined)), status)

/** An object that is made for the answer, of a kind that nothing stores: whole, as a table or its metadata alone. */
export const replyObject = (call: Call, kind: Kind, object: KubeObject, tables: Tables): ValueReply => {
  if (call.accept === undefined) return { status: 200, object }
  const form = prettily(call, formFor(call, kind))
  const { resourceVersion } = object.metadata
  return encoded(transformed(kind, [object], form, call, tables, { resourceVersion }, false), form)
}

/** How a write ended, where no object is shown: a Status is never transformed. */
export const replyStatus = (call: Call, kind: Kind, status: unknown): ValueReply =>
  call.accept === undefined ? { status: 200, object: status } : encoded(status, prettily(call, formFor(call, kind)))

/** One stored object. */
export const replyEntry = (call: Call, kind: Kind, entry: Entry, tables: Tables, status = 200): ValueReply => {
  if (call.accept === undefined) return { status, object: served(kind, entry) }
  const form = prettily(call, formFor(call, kind))
  if (isPlain(form) && !kind.conversion) return { status, bytes: entry.bytes, contentType: json }
  if (form.encoding === 'protobuf' && form.as === 'object') return protobufEntry(kind, entry, status)
  const object = served(kind, entry)
  if (form.as === 'object')
    return isPlain(form) ? plainObject(kind, object, entry.revision, status) : encoded(wireOf(kind, object, entry), form, status)
  return encoded(transformed(kind, [object], form, call, tables, { resourceVersion: object.metadata.resourceVersion }, false), form, status)
}

/** The wire form of an object in a version that is not the stored one. */
const plainObject = (kind: Kind, object: KubeObject, revision: number, status: number): ValueReply => ({
  status,
  bytes: withVersion(kind.codec.encode(object), revision > 0 ? revision : undefined),
  contentType: json,
})

const wireOf = (kind: Kind, object: KubeObject, entry: Entry): unknown =>
  JSON.parse(kind.conversion ? (plainObject(kind, object, entry.revision, 200).bytes as Buffer).toString() : entry.bytes.toString())

/** A list. */
export const replyPage = (call: Call, page: Page, tables: Tables): ValueReply | StreamReply => {
  if (call.accept === undefined) return { status: 200, object: listValue(page) }
  const { kind } = page
  const form = prettily(call, formFor(call, kind))
  if (isPlain(form) && !kind.conversion) return { status: 200, bytes: listParts(page), contentType: json }
  const metadata = {
    ...versionOf(page),
    ...(page.continue ? { continue: page.continue } : {}),
    ...(page.remaining ? { remainingItemCount: page.remaining } : {}),
  }
  if (form.encoding === 'protobuf' && form.as === 'object') return protobufList(kind, metadata, entriesOfPage(page))
  const entries = entriesOfPage(page)
  const long = entries.length > atOnceObjects ? longList(call, page, entries, form, metadata, tables) : undefined
  if (long) return streamList(long)
  const objects = entries.map((entry) => served(kind, entry))
  if (form.as === 'object') return wholeList(page, objects, form)
  return encoded(transformed(kind, objects, form, call, tables, metadata, true), form)
}

const wholeList = (page: Page, objects: readonly KubeObject[], form: Form): ValueReply =>
  encoded(
    listAround(
      page,
      objects.map((object) => itemOf(page.kind, object)),
    ),
    form,
  )

/** The wire form of an element: within a list of a built-in kind it carries no kind. */
const itemOf = (kind: Kind, object: KubeObject): Record<string, unknown> => {
  const { bytes } = plainObject(kind, object, Number(object.metadata.resourceVersion), 200)
  const item = JSON.parse((bytes as Buffer).toString()) as Record<string, unknown>
  return kind.custom ? item : withoutType(item)
}

/** How a long list is made element by element; undefined in encodings that know its length before it begins. */
const longList = (
  call: Call,
  page: Page,
  entries: readonly Entry[],
  form: Form,
  metadata: Readonly<Record<string, unknown>>,
  tables: Tables,
): LongList<Entry> | undefined => {
  const { kind } = page
  if (form.encoding !== 'json' && form.encoding !== 'yaml') return undefined
  const encoding = form.encoding === 'yaml' ? 'yaml' : form.pretty ? 'indented' : 'json'
  if (form.as === 'object')
    return { shell: listAround(page, []), field: 'items', from: entries, encoding, element: (entry) => itemOf(kind, served(kind, entry)) }
  const shell = transformed(kind, [], form, call, tables, metadata, true)
  if (form.as !== 'Table')
    return { shell, field: 'items', from: entries, encoding, element: (entry) => partial(served(kind, entry), form.version) }
  const options = { include: includeOf(call), version: form.version, metadata, headers: false }
  const rowOf = (entry: Entry) => (tables.table(kind, [served(kind, entry)], options) as { readonly rows: readonly unknown[] }).rows[0]
  return { shell, field: 'rows', from: entries, encoding, element: rowOf }
}
const withoutType = ({ kind: _, apiVersion: __, ...rest }: Record<string, unknown>): Record<string, unknown> => rest

const listValue = (page: Page): ListValue => ({
  apiVersion: page.kind.apiVersion,
  kind: page.kind.listKind,
  metadata: {
    resourceVersion: page.revision > 0 ? String(page.revision) : '',
    ...(page.continue ? { continue: page.continue } : {}),
    ...(page.remaining ? { remainingItemCount: page.remaining } : {}),
  },
  items: entriesOfPage(page).map((entry) => served(page.kind, entry)),
})

const partial = (object: KubeObject, version: string) => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata: orderedMetadata(object.metadata),
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
        headers: true,
      })
    case 'PartialObjectMetadata':
      if (isList) throw notAcceptable(`you requested PartialObjectMetadata, but the requested object is a list (${goTypeOf(kind, true)})`)
      return partial(objects[0] as KubeObject, form.version)
    case 'PartialObjectMetadataList':
      if (!isList)
        throw notAcceptable(`you requested PartialObjectMetadataList, but the requested object is not a list (${goTypeOf(kind, false)})`)
      return { kind: 'PartialObjectMetadataList', apiVersion, metadata, items: objects.map((object) => partial(object, form.version)) }
    case 'object':
      return objects[0]
  }
}

const goTypeOf = (kind: Kind, isList: boolean): string => {
  if (kind.custom) return isList ? '*unstructured.UnstructuredList' : '*unstructured.Unstructured'
  return `*${packageOf(kind.group)}.${isList ? kind.listKind : kind.kind}`
}

const includeOf = (call: Call): 'None' | 'Metadata' | 'Object' => {
  const given = queryValue(call, 'includeObject') ?? ''
  if (given === '' || given === 'Metadata') return 'Metadata'
  if (given === 'None' || given === 'Object') return given
  const why = "must be 'Metadata', 'Object', 'None', or empty"
  throw badRequest(`Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(given)}: ${why}`)
}

/** A watch: frames as they are for a near caller; a far one gets bytes, shared wherever the plain form is asked for. */
export const replyWatch = (call: Call, kind: Kind, frames: AsyncIterable<readonly ServedFrame[]>, tables: Tables): Reply => {
  if (call.accept === undefined && !kind.conversion) return { watch: frames }
  const form = call.accept === undefined ? undefined : formFor(call, kind)
  if (form && isPlain(form) && !kind.conversion) return { watch: frames }
  if (form) checkStreams(form, call.cbor === true)
  if (form?.as === 'Table') includeOf(call)
  if (form?.encoding === 'protobuf')
    return {
      watch: mapFrames(frames, protobufTransform(kind, form), sharedBy(`${kind.apiVersion} ${form.as} ${form.version}`)),
      contentType: `${protobufType};stream=watch`,
    }
  const transform = frameTransform(call, kind, form, tables)
  if (form?.encoding === 'cbor') return { watch: mapFrames(frames, cborTransform(transform)), contentType: 'application/cbor-seq' }
  return { watch: mapFrames(frames, transform) }
}

/** The same objects as in JSON, each event an item of its own. */
const cborTransform =
  (transform: (frame: ServedFrame) => ServedFrame) =>
  (frame: ServedFrame): ServedFrame => {
    const { type, object } = transform(frame)
    return { type, object, encoded: () => encodeCborEvent(type, cborOf(object)) }
  }

const protobufTransform =
  (kind: Kind, form: Form) =>
  (frame: ServedFrame): ServedFrame => {
    const { type, entry, object } = frame
    if (type === 'ERROR' || form.as === 'object') return { type, object, encoded: () => protobufFrame(type, kind, entry, object) }
    const value = partial(entry ? served(kind, entry) : object, form.version)
    return { type, object, encoded: () => writeWatchFrame(type, protobufBytes(value)) }
  }

/** Where there is no entry to take it from, the wire form of the object is what the frame itself writes. */
const bookmarkWire = (frame: ServedFrame, form: Form | undefined): ServedFrame => {
  if (form?.encoding !== 'cbor' || !frame.encoded) return frame
  return { ...frame, object: (JSON.parse(frame.encoded().toString()) as Frame).object }
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
    if (type === 'ERROR' || (!entry && (!form || form.as === 'object'))) return bookmarkWire(frame, form)
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
