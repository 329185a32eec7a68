import { type FailureStatus, type JsonObject, Refusal } from '@skiff/machinery'
import { listAt, textAt } from '../objects/fields.ts'
import type { Named } from '../objects/select.ts'
import { itemsOf, type ObjectPrinter } from '../print/printer.ts'
import { printTable, type Table, type TableOptions } from '../print/table.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation } from '../verb.ts'
import { tableAccept, tableCall, tableOf } from './get-table.ts'

/** get --watch: what is there, then each change, until the server or the user ends it. */
export const watchObjects = async (
  invocation: Invocation,
  all: readonly Named[],
  printer: ObjectPrinter | undefined,
  options: TableOptions,
): Promise<number> => {
  const { session, flags } = invocation
  const [named, ...more] = all
  if (!named || more.length > 0 || named.names.length > 1) throw new UsageError('you may only specify a single resource type')
  const { client, namespace } = await session.connect()
  const [name] = named.names
  const byName: Record<string, string> = name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }
  const base = {
    ...tableCall(invocation, named.resource, namespace, undefined, byName),
    accept: printer ? 'application/json' : tableAccept,
  }
  if (name !== undefined) await client.handler({ ...tableCall(invocation, named.resource, namespace, name, {}) }) // a missing one is an error
  const widths: number[] = []
  let headers = options.headers
  const show = (value: JsonObject, type: string): void => {
    if (printer) {
      session.write(printer(value))
      return
    }
    const table: Table = tableOf(value, session.env.now())
    // Later tables come without columns; the first has told them.
    const columns = table.columnDefinitions.length > 0 ? table.columnDefinitions : known
    known = columns
    const types = flags.bool('output-watch-events') ? { eventTypes: table.rows.map(() => type) } : {}
    session.write(printTable({ ...table, columnDefinitions: columns }, { ...options, headers, ...types }, widths))
    headers = false
  }
  let known: Table['columnDefinitions'] = []
  const reply = await client.handler(base)
  const list = ('object' in reply ? reply.object : {}) as JsonObject
  if (!flags.bool('watch-only')) {
    const hasRows = printer ? listAt(list, 'items').length > 0 : tableOf(list, session.env.now()).rows.length > 0
    if (hasRows && printer)
      for (const item of itemsOf(list))
        show({ ...(item as JsonObject), apiVersion: named.resource.apiVersion, kind: named.resource.kind }, 'ADDED')
    else if (hasRows) show(list, 'ADDED')
  }
  const query = { ...base.query, resourceVersion: textAt(list, 'metadata.resourceVersion') }
  const signal = session.interrupted()
  try {
    const stream = await client.handler({ ...base, verb: 'watch', query, ...(signal ? { signal } : {}) })
    if (!('watch' in stream)) throw new Error('the server does not allow this method on the requested resource')
    for await (const frames of stream.watch)
      for (const frame of frames) {
        if (frame.type === 'ERROR') throw Refusal.from(frame.object as unknown as FailureStatus)
        if (frame.type !== 'BOOKMARK') show(frame.object as unknown as JsonObject, frame.type)
      }
  } catch (error) {
    if (!signal?.aborted) throw error
  }
  return signal?.aborted ? 1 : 0
}
