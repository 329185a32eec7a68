import { type Kind, typedOfKind } from '@skiff/api'
import {
  type Change,
  type FieldSet,
  type Holding,
  type Holdings,
  holdingsAfterUpdate,
  isEmptySet,
  type Json,
  type JsonObject,
  type KubeObject,
  type ManagedFieldsEntry,
  noFields,
  rfc3339,
  sameFields,
  sentEmpty,
  setOf,
  unite,
  wasSentEmpty,
  without,
} from '@skiff/machinery'
import { converting, PendingConversion } from '../registry/converting.ts'
import type { Request, Rest } from '../rest/context.ts'
import { type Managed, managerId, managerOfId, noManagers, readEntries, withManaged } from './entries.ts'
import { shapeOf } from './shape.ts'
import { sharedFields, shareInSteps } from './shared-fields.ts'
import { versionsOf } from './versions.ts'
import { managerOf } from './who-writes.ts'

/** Fields that name an object or are the server's own: never held. */
const serverOwned: FieldSet = setOf(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'].map(
    (name) => ['f:metadata', `f:${name}`],
  ),
)

/** What one manager holds, less what nobody may. */
export const stripped = (holdings: Holdings, manager: string): Holdings => {
  const holding = holdings.get(manager)
  const fields = holding && without(holding.fields, serverOwned)
  if (!holding || fields === holding.fields) return holdings
  const next = new Map(holdings)
  if (isEmptySet(fields as FieldSet)) next.delete(manager)
  else next.set(manager, { ...holding, fields: fields as FieldSet })
  return next
}

/** An object as values are compared: without its managedFields. */
export const bareValue = (object: KubeObject | undefined): Json => {
  if (!object) return { metadata: {} }
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata } as unknown as Json
}

/** What was written, as it is compared: a list that Go always writes and that was sent empty is there, though it is stored as none. */
const writtenValue = (kind: Kind, object: KubeObject): Json => {
  const value = bareValue(object)
  if ((object as { readonly [sentEmpty]?: unknown })[sentEmpty] === undefined) return value
  const type = typedOfKind(kind)
  if (type.is !== 'object') return value
  const empties = type.implied.filter(([name, zero]) => zero === null && wasSentEmpty(object, name))
  return { ...(value as JsonObject), ...Object.fromEntries(empties.map(([name]) => [name, []])) }
}

/** The object sent, with who holds what after this write. `old` is the live object; undefined for a create. */
export const tracked = <T extends KubeObject>(rest: Rest, request: Request, next: T, old: KubeObject | undefined): T =>
  withManaged(next, managedAfter(rest, request, next, old))

/** tracked of an object that is large, with turns for others in between. Asks for conversions that are needed. */
export const trackedInSteps = async (
  rest: Rest,
  request: Request,
  next: KubeObject,
  old: KubeObject | undefined,
  turn: () => Promise<void>,
): Promise<KubeObject> => {
  const managed = await converting(() => managedAfter(rest, request, next, old))
  await writeInSteps(managed, turn)
  return withManaged(next, managed)
}

/** Makes the wire forms that withManaged puts on an object. */
export const writeInSteps = async (managed: Managed, turn: () => Promise<void>): Promise<void> => {
  for (const { fields } of managed.holdings.values()) {
    await turn()
    await shareInSteps(fields, turn)
  }
}

const managedAfter = (rest: Rest, request: Request, next: KubeObject, old: KubeObject | undefined): Managed => {
  const { kind, call } = request
  // A subresource does not carry entries: whoever writes one keeps those of the object.
  const managed = managedBefore((request.trackedAs ?? call.subresource) ? undefined : next.metadata.managedFields, old)
  // Objects that nobody was ever written down for stay so, as upstream has it.
  if (old && managed.holdings.size === 0) return noManagers
  const apiVersion = kind.apiVersion
  const manager = managerId({
    manager: managerOf(call, request.fieldManager ?? ''),
    operation: 'Update',
    apiVersion,
    subresource: request.trackedAs ?? call.subresource,
  })
  try {
    return afterUpdate(rest, kind, call.subresource, managed, manager, old, next)
  } catch (error) {
    if (error instanceof PendingConversion) throw error
    // An object that cannot be told apart, such as one whose list elements lack their keys, is validation's to refuse.
    return noManagers
  }
}

/** What a plain write by `manager` leaves: its time moves only with what it holds. */
export const afterUpdate = (
  rest: Rest,
  kind: Kind,
  subresource: string | undefined,
  managed: Managed,
  manager: string,
  old: KubeObject | undefined,
  next: KubeObject,
): Managed => {
  const change = {
    versions: versionsOf(rest.registry, kind, subresource),
    apiVersion: kind.apiVersion,
    holdings: managed.holdings,
    manager,
  }
  const isFirst = old === undefined && managed.holdings.size === 0
  const holdings = isFirst
    ? firstHoldings(kind, subresource ?? '', writtenValue(kind, next), change)
    : stripped(holdingsAfterUpdate(change, bareValue(old), writtenValue(kind, next)), manager)
  const before = managed.holdings.get(manager)
  const after = holdings.get(manager)
  const changed = after !== undefined && (!before || !sameFields(before.fields, after.fields))
  const times = changed ? new Map(managed.times).set(manager, rfc3339(rest.env.now())) : managed.times
  return capped({ holdings, times })
}

const maxShapes = 512
const firstFields = new WeakMap<Kind, Map<string, FieldSet>>()

/** What the maker of an object holds. Objects of one shape are made again and again, so that a shape is worked out once. */
const firstHoldings = (kind: Kind, subresource: string, next: Json, change: Change): Holdings => {
  const { apiVersion, manager } = change
  const shape = shapeOf(next)
  const work = () => stripped(holdingsAfterUpdate(change, { metadata: {} }, next), manager)
  if (shape === undefined) return work()
  let known = firstFields.get(kind)
  if (!known) {
    known = new Map()
    firstFields.set(kind, known)
  }
  const key = `${subresource} ${shape}`
  const fields = known.get(key)
  if (fields) return isEmptySet(fields) ? new Map() : new Map([[manager, { apiVersion, fields, applied: false }]])
  const holdings = work()
  if (known.size >= maxShapes) known.clear()
  known.set(key, sharedFields(holdings.get(manager)?.fields ?? noFields).fields)
  return holdings
}

/** A list of one empty entry, or of none, asks for a fresh start. */
const isReset = (entries: readonly ManagedFieldsEntry[]): boolean =>
  entries.length === 0 ||
  (entries.length === 1 && Object.values(entries[0] as object).every((value) => value === undefined || value === ''))

/** The entries sent, so that they can be edited; the live ones where none came, or none that can be read. */
const managedBefore = (sent: readonly ManagedFieldsEntry[] | undefined, old: KubeObject | undefined): Managed => {
  if (sent && isReset(sent)) return noManagers
  try {
    const managed = readEntries(sent)
    if (managed.holdings.size > 0) return managed
  } catch {
    // What was sent is dropped.
  }
  try {
    return readEntries(old?.metadata.managedFields)
  } catch {
    return noManagers
  }
}

const mostUpdaters = 10
const ancient = 'ancient-changes'

/** Above ten updaters, the oldest of a version become one. */
const capped = (managed: Managed): Managed => {
  if (managed.holdings.size <= mostUpdaters) return managed
  const updaters = [...managed.holdings].filter(([, holding]) => !holding.applied).map(([id]) => id)
  if (updaters.length <= mostUpdaters) return managed
  const timeOf = (id: string) => managed.times.get(id) ?? ''
  updaters.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : timeOf(a) > timeOf(b) ? 1 : a < b ? -1 : 1))
  const holdings = new Map(managed.holdings)
  const times = new Map(managed.times)
  const firstOf = new Map<string, string>()
  let count = updaters.length
  for (const id of updaters) {
    if (count <= mostUpdaters) break
    const holding = holdings.get(id) as Holding
    const first = firstOf.get(holding.apiVersion)
    if (first === undefined) {
      firstOf.set(holding.apiVersion, id)
      continue
    }
    const bucket = managerId({ manager: ancient, operation: 'Update', apiVersion: holding.apiVersion })
    const held = holdings.get(bucket) ?? (holdings.get(first) as Holding)
    if (!holdings.has(bucket)) holdings.delete(first)
    holdings.delete(id)
    holdings.set(bucket, { ...holding, fields: unite(holding.fields, held.fields) })
    times.set(bucket, timeOf(id))
    count--
  }
  return { holdings, times }
}

/** The name behind an id, for texts. */
export const managerText = (id: string): string => {
  const { manager, operation, apiVersion, subresource } = managerOfId(id)
  const who = subresource ? `${JSON.stringify(manager)} with subresource ${JSON.stringify(subresource)}` : JSON.stringify(manager)
  return operation === 'Update' ? `${who} using ${apiVersion}` : who
}
