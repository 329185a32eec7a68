import { buildBuiltins } from '@skiff/api'
import type { ServedResource } from '@skiff/client'
import type { JsonObject, KubeObject } from '@skiff/machinery'
import type { FlagSpec, Flags } from '../flags.ts'
import { type ObjectPrinter, printerOf } from '../print/printer.ts'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'
import { type Dynamic, mapAt, textAt } from './fields.ts'
import { fullName, type Info } from './info.ts'

/** Flags of verbs that write. */
export const writeFlags: readonly FlagSpec[] = [
  'dry-run:string?unchanged=none',
  'output|o:string',
  'field-manager:string',
  'show-managed-fields:bool',
  'validate:string?strict=strict',
  'template:string',
  'allow-missing-template-keys:bool=true',
  'save-config:bool',
]

export type DryRun = 'none' | 'client' | 'server'

export const dryRunOf = (flags: Flags): DryRun => {
  const value = flags.text('dry-run') ?? 'none'
  if (value === 'none' || value === 'client' || value === 'server') return value
  if (value === 'unchanged') return 'client'
  throw new UsageError(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`)
}

/** The query of a write: who manages the fields, how strictly they are checked, whether it is only tried. */
export const writeQuery = (flags: Flags, manager: string): Record<string, string> => {
  const validate = flags.text('validate')
  const strictness = validate === 'warn' ? 'Warn' : validate === 'ignore' || validate === 'false' ? 'Ignore' : 'Strict'
  return {
    fieldManager: flags.text('field-manager') || manager,
    fieldValidation: strictness,
    ...(dryRunOf(flags) === 'server' ? { dryRun: 'All' } : {}),
  }
}

/** The query of a patch that edits what is there: unknown fields are the server's business. */
export const patchQuery = (flags: Flags, manager: string): Record<string, string> => {
  const { fieldValidation: _strict, ...query } = writeQuery(flags, manager)
  return query
}

/** An object of a kind known here with its fields in the order of its type; any other as it is. */
export const orderedFields = ({ group, version, plural }: ServedResource, object: JsonObject): JsonObject => {
  const kind = buildBuiltins().kinds.find((each) => each.group === group && each.version === version && each.plural === plural)
  if (!kind) return object
  const ordered = JSON.parse(kind.codec.encode(object as unknown as KubeObject).bytes.toString()) as JsonObject
  const revision = textAt(object, 'metadata.resourceVersion')
  return revision ? { ...ordered, metadata: withVersion(mapAt(ordered, 'metadata'), revision) } : ordered
}

/** The codec leaves the version to whoever stores the object; it stands after the uid. */
const withVersion = (metadata: JsonObject, resourceVersion: string): JsonObject => {
  const before = ['name', 'generateName', 'namespace', 'selfLink', 'uid']
  const [first, rest] = [true, false].map((early) => Object.entries(metadata).filter(([key]) => before.includes(key) === early))
  return Object.fromEntries([...(first ?? []), ['resourceVersion', resourceVersion], ...(rest ?? [])])
}

/** The same as JSON, as kubectl prints what it made itself. */
export const typedJson = (resource: ServedResource, object: JsonObject): string =>
  `${JSON.stringify(orderedFields(resource, object), null, '    ')}\n`

const printers = new WeakMap<Session, ObjectPrinter>()
/** The printer of a whole run: it knows what was printed before. */
export const onePrinter = (session: Session, output: string, showManagedFields: boolean): ObjectPrinter | undefined => {
  const printer = printers.get(session) ?? printerOf(output, { showManagedFields })
  if (printer) printers.set(session, printer)
  return printer
}

/** What kubectl's verbs do differently from each other. */
export interface ReportHabits {
  /** Does not tell that it only tried. */
  readonly silentDryRun?: boolean
  /** Does not divide YAML documents by `---`. */
  readonly apart?: boolean
}

/** Prints `deployment.apps/web created`, or the object in the form of -o. */
export const report = (
  session: Session,
  flags: Flags,
  info: Info,
  object: JsonObject,
  operation: string,
  habits: ReportHabits = {},
): void => {
  const dryRun = dryRunOf(flags)
  const suffix = dryRun === 'none' || habits.silentDryRun ? '' : dryRun === 'client' ? ' (dry run)' : ' (server dry run)'
  const output = flags.text('output')
  if (output && output !== 'name') {
    if (output === 'json' && info.typed) {
      session.write(typedJson(info.resource, object))
      return
    }
    const managed = flags.bool('show-managed-fields')
    const printer = habits.apart ? printerOf(output, { showManagedFields: managed }) : onePrinter(session, output, managed)
    if (printer) session.write(printer(object))
    return
  }
  const name = (object as Partial<Dynamic>).metadata?.name ?? info.name
  session.say(output === 'name' ? fullName(info.resource, name) : `${fullName(info.resource, name)} ${operation}${suffix}`)
}

/** The kind and version that an object of a resource carries. */
export const typed = (resource: ServedResource, object: JsonObject): Dynamic =>
  ({ apiVersion: resource.apiVersion, kind: resource.kind, ...object }) as unknown as Dynamic
