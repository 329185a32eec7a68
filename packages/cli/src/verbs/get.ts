import type { JsonObject } from '@skiff/machinery'
import { type Dynamic, textAt } from '../objects/fields.ts'
import { kindName } from '../objects/info.ts'
import { readInfos } from '../objects/manifests.ts'
import { fileFlags, listAll, type Named, readResourceWords, selectFlags, selectorQuery } from '../objects/select.ts'
import { listOf, type ObjectPrinter, printerOf } from '../print/printer.ts'
import { printTable, sortedByPath, type Table, type TableOptions } from '../print/table.ts'
import { forEachKept, ManyErrors, UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'
import { fetchTable, joinTables } from './get-table.ts'
import { watchObjects } from './get-watch.ts'

export const get: Verb = {
  usage:
    '[(-o|--output=)json|yaml|name|jsonpath|custom-columns|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]',
  flags: [
    ...fileFlags,
    ...selectFlags,
    'output|o:string',
    'watch|w:bool',
    'watch-only:bool',
    'output-watch-events:bool',
    'no-headers:bool',
    'show-labels:bool',
    'show-kind:bool',
    'show-managed-fields:bool',
    'label-columns|L:list',
    'sort-by:string',
    'ignore-not-found:bool',
    'raw:string',
    'chunk-size:int=500',
    'server-print:bool=true',
    'subresource:string',
    'allow-missing-template-keys:bool=true',
    'template:string',
  ],
  run: async (invocation) => {
    const { session, flags } = invocation
    if (flags.has('raw')) {
      const { http } = await session.connect()
      const { bytes } = await http.raw('GET', flags.text('raw') ?? '')
      session.write(Buffer.from(bytes as Uint8Array).toString('utf8'))
      return 0
    }
    const printer = printerOf(outputOf(invocation), {
      showManagedFields: flags.bool('show-managed-fields'),
      noHeaders: flags.bool('no-headers'),
    })
    const named = await targets(invocation)
    if (flags.bool('watch') || flags.bool('watch-only'))
      return watchObjects(invocation, named, printer, tableOptions(invocation, named, named[0] as Named))
    refuseContradictions(invocation, named)
    if (flags.bool('all-namespaces') && named.some(({ names, resource }) => names.length > 0 && resource.namespaced))
      throw new UsageError('a resource cannot be retrieved by name across all namespaces')
    if (!printer) return printTables(invocation, named)
    return printObjects(invocation, named, printer)
  },
}

const refuseContradictions = ({ flags }: Invocation, named: readonly Named[]): void => {
  const watching = flags.bool('watch') || flags.bool('watch-only')
  if (flags.bool('output-watch-events') && !watching)
    throw new UsageError('--output-watch-events option can only be used with --watch or --watch-only')
  const byName = named.some(({ names }) => names.length > 0)
  if (byName && flags.text('selector')) throw new UsageError('name cannot be provided when a selector is specified')
  if (flags.text('subresource') && !byName) throw new UsageError('subresource cannot be used when bulk resources are specified')
}

const outputOf = ({ flags }: Invocation): string | undefined => {
  const output = flags.text('output')
  const template = flags.text('template')
  if (!template) return output
  return output ? (output.includes('=') ? output : `${output}=${template}`) : `go-template=${template}`
}

const targets = async ({ session, flags, args }: Invocation): Promise<Named[]> => {
  const files = flags.list('filename')
  if (files.length > 0) {
    const infos = await readInfos(session, files, { recursive: flags.bool('recursive') })
    const named: { resource: Named['resource']; names: string[] }[] = []
    for (const { resource, name } of infos) {
      const last = named.at(-1)
      if (last?.resource === resource) last.names.push(name)
      else named.push({ resource, names: [name] })
    }
    return named
  }
  if (args.length === 0) {
    session.complain(
      'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n',
    )
    throw new UsageError(
      'Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).\nSee \'kubectl get -h\' for help and examples',
    )
  }
  return readResourceWords(session, args)
}

const tableOptions = ({ flags }: Invocation, all: readonly Named[], { resource }: Named): TableOptions => ({
  wide: flags.text('output') === 'wide',
  headers: !flags.bool('no-headers'),
  namespaces: flags.bool('all-namespaces') && resource.namespaced,
  showLabels: flags.bool('show-labels'),
  labelColumns: flags.list('label-columns'),
  kindPrefix: flags.bool('show-kind') || new Set(all.map((each) => each.resource)).size > 1 ? kindName(resource) : undefined,
})

const found404 = (error: unknown): boolean => (error as { reason?: string }).reason === 'NotFound'

const printTables = async (invocation: Invocation, all: readonly Named[]): Promise<number> => {
  const { session, flags } = invocation
  const sortBy = flags.text('sort-by')
  const errors: unknown[] = []
  const fetched: { readonly named: Named; readonly tables: readonly Table[] }[] = []
  for (const named of all) {
    const tables: Table[] = []
    for (const name of named.names.length === 0 ? [undefined] : named.names)
      try {
        tables.push(await fetchTable(invocation, named.resource, name, sortBy !== undefined))
      } catch (error) {
        if (!(flags.bool('ignore-not-found') && found404(error))) errors.push(error)
      }
    if (tables.length > 0) fetched.push({ named, tables })
  }
  let printed = 0
  const kinds = fetched.map(({ named }) => named)
  for (const { named, tables } of fetched)
    for (const table of joinTables(tables)) {
      if (table.rows.length === 0) continue
      const rows = sortBy ? sortedByPath(table.rows, sortBy, (row) => row.object ?? {}) : table.rows
      session.write(`${printed > 0 ? '\n' : ''}${printTable({ ...table, rows }, tableOptions(invocation, kinds, named))}`)
      printed += 1
    }
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new ManyErrors(errors)
  if (printed === 0 && !flags.bool('ignore-not-found')) await sayNothingFound(invocation, all)
  return 0
}

const sayNothingFound = async ({ session, flags }: Invocation, all: readonly Named[]): Promise<void> => {
  const { namespace } = await session.connect()
  const namespaced = all.every(({ resource }) => resource.namespaced)
  session.complain(!flags.bool('all-namespaces') && namespaced ? `No resources found in ${namespace} namespace.` : 'No resources found')
}

/** One object is printed as it is, anything else as a List. */
const printObjects = async (invocation: Invocation, all: readonly Named[], printer: ObjectPrinter): Promise<number> => {
  const { session, flags } = invocation
  const { client, namespace } = await session.connect()
  const objects: Dynamic[] = []
  let failure: unknown
  const keep = async (): Promise<void> =>
    forEachKept(all, async ({ resource, names }) => {
      if (names.length === 0) {
        const where = flags.bool('all-namespaces') ? '' : namespace
        objects.push(...(await listAll(session, resource, where, selectorQuery(flags))))
        return
      }
      await forEachKept(names, async (name) => {
        const target = { name, ...(resource.namespaced ? { namespace } : {}), ...subresourceOf(invocation) }
        try {
          objects.push((await client.get(resource, target)) as Dynamic)
        } catch (error) {
          if (!(flags.bool('ignore-not-found') && found404(error))) throw error
        }
      })
    })
  await keep().catch((error) => {
    failure = error
  })
  const single = all.length === 1 && all[0]?.names.length === 1
  const sortBy = flags.text('sort-by')
  const sorted: readonly JsonObject[] = sortBy ? sortedByPath(objects, sortBy, (object) => object) : objects
  if (single && sorted.length === 1) session.write(printer(sorted[0] as JsonObject))
  else if (!(single && sorted.length === 0)) session.write(textAt(listOf(sorted), 'kind') === 'List' ? printer(listOf(sorted)) : '')
  if (failure) throw failure
  return 0
}

const subresourceOf = ({ flags }: Invocation): { subresource?: string } => {
  const subresource = flags.text('subresource')
  return subresource ? { subresource } : {}
}
