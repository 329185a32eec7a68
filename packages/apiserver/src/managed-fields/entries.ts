import type { Holding, Holdings, JsonObject, ManagedFieldsEntry, ObjectMeta } from '@skiff/machinery'
import { sharedFields, sharedFromWire } from './shared-fields.ts'

/** managedFields, read. Managers are known by an id: all of an entry but its time and fields, and of an apply not its version. */
export interface Managed {
  readonly holdings: Holdings
  /** RFC 3339, by manager id. */
  readonly times: ReadonlyMap<string, string>
}

export const noManagers: Managed = { holdings: new Map(), times: new Map() }

export interface ManagerName {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource?: string | undefined
}

export const managerId = ({ manager, operation, apiVersion, subresource }: ManagerName): string =>
  JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource ?? ''])

export const managerOfId = (id: string): { manager: string; operation: string; apiVersion: string; subresource: string } => {
  const [manager, operation, apiVersion, subresource] = JSON.parse(id) as [string, string, string, string]
  return { manager, operation, apiVersion, subresource }
}

/** Throws an Error for entries that nobody can read. */
export const readEntries = (entries: readonly ManagedFieldsEntry[] | undefined): Managed => {
  if (!entries || entries.length === 0) return noManagers
  const holdings = new Map<string, Holding>()
  const times = new Map<string, string>()
  for (const [index, entry] of entries.entries()) {
    const { fieldsType, operation = 'Update', manager = '', apiVersion = '', subresource, time } = entry
    if (fieldsType !== 'FieldsV1')
      throw new Error(fieldsType ? `invalid fieldsType ${fieldsType} in entry ${index}` : `missing fieldsType in entry ${index}`)
    const id = managerId({ manager, operation, apiVersion, subresource })
    holdings.set(id, {
      apiVersion,
      fields: sharedFromWire((entry.fieldsV1 ?? nothing) as JsonObject).fields,
      applied: operation === 'Apply',
    })
    if (time) times.set(id, time)
  }
  return { holdings, times }
}
const nothing: JsonObject = {}

/** The entries in upstream's order: applies first, then by time, manager, version. */
const writeEntries = ({ holdings, times }: Managed): ManagedFieldsEntry[] =>
  [...holdings]
    .map(([id, { apiVersion, fields }]): ManagedFieldsEntry => {
      const { manager, operation, subresource } = managerOfId(id)
      const time = times.get(id)
      return {
        manager,
        operation: operation as 'Apply' | 'Update',
        apiVersion,
        ...(time ? { time } : {}),
        fieldsType: 'FieldsV1',
        fieldsV1: sharedFields(fields).wire,
        ...(subresource ? { subresource } : {}),
      }
    })
    .sort(
      (a, b) =>
        order(a.operation, b.operation) ||
        order(a.time, b.time) ||
        order(a.manager, b.manager) ||
        order(a.apiVersion, b.apiVersion) ||
        order(a.subresource, b.subresource),
    )
const order = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0)

/** The object with what is held; without the field when nobody holds anything. */
export const withManaged = <T extends { readonly metadata: Partial<ObjectMeta> }>(object: T, managed: Managed): T => {
  const { managedFields: _, ...metadata } = object.metadata
  if (managed.holdings.size === 0) return { ...object, metadata }
  return { ...object, metadata: { ...metadata, managedFields: writeEntries(managed) } }
}
