import type { Call, ServedResource } from '@skiff/client'
import { isJsonArray, type JsonObject } from '@skiff/machinery'
import { listAt, textAt } from '../objects/fields.ts'
import { selectorQuery } from '../objects/select.ts'
import { ageText } from '../print/age.ts'
import { isTable, plainTable, type Table } from '../print/table.ts'
import type { Invocation } from '../verb.ts'

export const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'

/** The call that asks for a table: of one object, or of a list. */
export const tableCall = (
  { flags }: Invocation,
  resource: ServedResource,
  namespace: string,
  name: string | undefined,
  query: Record<string, string>,
): Call => {
  const subresource = flags.text('subresource')
  return {
    verb: name === undefined ? 'list' : 'get',
    group: resource.group,
    version: resource.version,
    resource: resource.plural,
    query: name === undefined ? { ...selectorQuery(flags), ...query } : query,
    identity: { name: '', groups: [] },
    accept: tableAccept,
    ...(resource.namespaced && !flags.bool('all-namespaces') ? { namespace } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource ? { subresource } : {}),
  }
}

/** The table of what an answer holds, which is a table already where the server makes them. */
export const tableOf = (value: unknown, nowMs: number): Table => {
  if (isTable(value)) return { ...value, columnDefinitions: value.columnDefinitions ?? [], rows: value.rows ?? [] }
  const object = value as JsonObject
  const objects = isJsonArray(object.items) ? listAt(object, 'items') : [object]
  return plainTable(objects, (each) => ageText(textAt(each, 'metadata.creationTimestamp'), nowMs))
}

/** Fetches one object's table, or that of all pages of a list. `whole` asks for the objects in the rows. */
export const fetchTable = async (
  invocation: Invocation,
  resource: ServedResource,
  name: string | undefined,
  whole: boolean,
): Promise<Table> => {
  const { session, flags } = invocation
  const { client, namespace } = await session.connect()
  const pages: Table[] = []
  const chunk = flags.int('chunk-size') ?? 500
  const include: Record<string, string> = whole ? { includeObject: 'Object' } : {}
  let next = ''
  do {
    const paging: Record<string, string> =
      name !== undefined ? {} : { ...(chunk > 0 ? { limit: String(chunk) } : {}), ...(next ? { continue: next } : {}) }
    const reply = await client.handler(tableCall(invocation, resource, namespace, name, { ...include, ...paging }))
    const page = tableOf('object' in reply ? reply.object : {}, session.env.now())
    pages.push(page)
    next = page.metadata?.continue ?? ''
  } while (next !== '')
  return joinTables(pages)[0] as Table
}

/** One table of several with the same columns. */
export const joinTables = (tables: readonly Table[]): Table[] => {
  const joined: Table[] = []
  for (const table of tables) {
    const last = joined.at(-1)
    const sameColumns = last?.columnDefinitions.map(({ name }) => name).join() === table.columnDefinitions.map(({ name }) => name).join()
    if (last && sameColumns) joined[joined.length - 1] = { ...last, rows: [...last.rows, ...table.rows] }
    else joined.push(table)
  }
  return joined
}
