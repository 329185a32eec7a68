import { type Kind, typedOfKind } from '@skiff/api'
import {
  ApplyConflicts,
  applyConfiguration,
  badRequest,
  type Change,
  type Conflict,
  isJsonObject,
  type Json,
  type KubeObject,
  type ObjectMeta,
  pathText,
  Refusal,
  rfc3339,
  sameFields,
  typeFaults,
} from '@skiff/machinery'
import type { Request, Rest } from '../rest/context.ts'
import { type Managed, managerId, readEntries, withManaged } from './entries.ts'
import { lastAppliedAllows, withLastApplied } from './last-applied.ts'
import { afterUpdate, bareValue, managerText, stripped } from './track.ts'
import { versionsOf } from './versions.ts'

/** What an apply makes: the merged value, still as it came, and who holds what. */
export interface AppliedObject {
  readonly value: Readonly<Record<string, unknown>>
  readonly managed: Managed
}

/** The configuration over the live object, which is undefined where none exists yet. Refuses conflicts unless `force`. */
export const applyOver = (
  rest: Rest,
  request: Request,
  live: KubeObject | undefined,
  configuration: Json,
  force: boolean,
): AppliedObject => {
  const { kind, call } = request
  const fieldManager = request.fieldManager ?? ''
  const config = checkConfiguration(rest, kind, configuration)
  const manager = managerId({
    manager: fieldManager,
    operation: 'Apply',
    apiVersion: kind.apiVersion,
    subresource: request.trackedAs ?? call.subresource,
  })
  const before = managedBefore(rest, request, live)
  const change: Change = {
    versions: versionsOf(rest.registry, kind, call.subresource),
    apiVersion: kind.apiVersion,
    holdings: before.holdings,
    manager,
  }
  const value = bareValue(live)
  const applied = applying(change, value, config, force, fieldManager === 'kubectl')
  const holdings = stripped(applied.holdings, manager)
  const unchanged = applied.object === undefined && sameHoldings(before, holdings)
  const times = unchanged ? before.times : new Map(before.times).set(manager, rfc3339(rest.env.now()))
  const merged = (applied.object ?? value) as Readonly<Record<string, unknown>>
  return { value: fieldManager === 'kubectl' ? withLastApplied(merged, config) : merged, managed: { holdings, times } }
}

/** Reads the merged value's managedFields back on, once it has become an object of its kind. */
export const withApplied = (object: KubeObject, { managed }: AppliedObject): KubeObject => withManaged(object, managed)

const sameHoldings = (before: Managed, after: Managed['holdings']): boolean => {
  if (before.holdings.size !== after.size) return false
  for (const [id, { fields, apiVersion }] of after) {
    const held = before.holdings.get(id)
    if (!held || held.apiVersion !== apiVersion || !sameFields(held.fields, fields)) return false
  }
  return true
}

const applying = (change: Change, live: Json, config: Json, force: boolean, fromKubectl: boolean) => {
  try {
    return applyConfiguration(change, live, config, force)
  } catch (error) {
    if (!(error instanceof ApplyConflicts)) throw error
    const left = fromKubectl ? lastAppliedAllows(change, live, error.conflicts) : error.conflicts
    if (left.length > 0) throw conflictRefusal(left)
    return applyConfiguration(change, live, config, true)
  }
}

/** What an object without managers has belongs to those before the first apply. */
const managedBefore = (rest: Rest, { kind, call }: Request, live: KubeObject | undefined): Managed => {
  const managed = readEntries(live?.metadata.managedFields)
  if (managed.holdings.size > 0 || !live) return managed
  const first = managerId({
    manager: 'before-first-apply',
    operation: 'Update',
    apiVersion: kind.apiVersion,
    subresource: call.subresource,
  })
  return afterUpdate(rest, kind, call.subresource, managed, first, undefined, live)
}

/** A kind as Go prints it: `/v1, Kind=Pod`. */
export const gvkText = (apiVersion: string, kind: string): string => `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`

/** What a configuration calls itself: `namespace/name; group/version, Kind=kind`. */
export const nameOfConfiguration = (configuration: Json): string => {
  const { metadata, apiVersion, kind } = configuration as { metadata?: Partial<ObjectMeta>; apiVersion?: string; kind?: string }
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}; ${gvkText(apiVersion ?? '', kind ?? '')}`
}

/** The configuration as its kind's type wants it; refuses in upstream's words. */
const checkConfiguration = ({ registry }: Rest, kind: Kind, configuration: Json): Json => {
  if (!isJsonObject(configuration)) throw badRequest('error decoding YAML: the configuration is no object')
  const version = typeof configuration.apiVersion === 'string' ? configuration.apiVersion : ''
  if (version !== kind.apiVersion)
    throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${version}, expected: ${kind.apiVersion}`)
  const metadata = isJsonObject(configuration.metadata) ? configuration.metadata : {}
  if (metadata.managedFields !== undefined && metadata.managedFields !== null) throw badRequest('metadata.managedFields must be nil')
  const refuse = (why: string) =>
    new Refusal(500, '', `failed to create typed patch object (${nameOfConfiguration(configuration)}): ${why}`)
  const given = typeof configuration.kind === 'string' ? configuration.kind : ''
  const gvk = gvkText(kind.apiVersion, given)
  // A custom kind is the only one that its own schema tells of.
  const typed = kind.custom ? given === kind.kind : registry.findKind(kind.group, kind.version, given) !== undefined
  if (!typed) throw refuse(`no corresponding type for ${gvk}`)
  // Another kind has a type of its own, which cannot be laid over this one's.
  if (given !== kind.kind)
    throw new Refusal(
      500,
      '',
      `failed to merge config: expected objects of the same type, but got ${gvk} and ${gvkText(kind.apiVersion, kind.kind)}`,
    )
  const faults = typeFaults(typedOfKind(kind), configuration)
  if (faults.length === 0) return configuration
  throw refuse(`${faults.length === 1 ? faults[0] : `errors:\n${faults.map((fault) => `  ${fault}`).join('\n')}`}`)
}

const conflictRefusal = (conflicts: readonly Conflict[]): Refusal => {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${managerText(manager)}`,
    field: pathText(path),
  }))
  return new Refusal(409, 'Conflict', conflictText(conflicts), { causes })
}

const conflictText = (conflicts: readonly Conflict[]): string => {
  const [first] = conflicts
  if (conflicts.length === 1 && first)
    return `Apply failed with 1 conflict: conflict with ${managerText(first.manager)}: ${pathText(first.path)}`
  const managers = [...new Set(conflicts.map(({ manager }) => manager))].sort()
  const lines = managers.flatMap((manager) => [
    `conflicts with ${managerText(manager)}:`,
    ...conflicts.filter((each) => each.manager === manager).map(({ path }) => `- ${pathText(path)}`),
  ])
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`
}
