import { event } from '@skiff/api'
import { type JsonObject, parseTimeMs } from '@skiff/machinery'
import { eventAge } from '../describe/event-lines.ts'
import { at, type Dynamic, textAt } from '../objects/fields.ts'
import { printerOf } from '../print/printer.ts'
import { alignRows } from '../print/tab-writer.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'

const eventList = (items: readonly Dynamic[]): JsonObject => ({ apiVersion: 'v1', items, kind: 'EventList', metadata: {} })

/** When an event was seen last. */
const seenMs = (object: JsonObject): number => {
  const text = textAt(object, at(object, 'series') ? 'series.lastObservedTime' : 'lastTimestamp') || textAt(object, 'eventTime')
  return text === '' ? Number.NEGATIVE_INFINITY : parseTimeMs(text)
}

/** --for pod/web as a field selector. */
const aboutOf = async ({ session, flags }: Invocation): Promise<Record<string, string>> => {
  const wanted = flags.text('for') ?? ''
  if (wanted === '') return {}
  const [word = '', name = '', ...more] = wanted.split('/')
  if (word === '' || name === '' || more.length > 0) throw new UsageError('--for must be in resource/name form')
  const { kind, apiVersion } = (await session.mapping()).resource(word)
  return { fieldSelector: `involvedObject.kind=${kind},involvedObject.apiVersion=${apiVersion},involvedObject.name=${name}` }
}

const typesOf = ({ flags }: Invocation): readonly string[] => {
  const types = flags.list('types')
  for (const type of types)
    if (!['normal', 'warning'].includes(type.toLowerCase())) throw new UsageError('valid --types are Normal or Warning')
  return types.map((type) => type.toLowerCase())
}

export const events: Verb = {
  usage: '[(-o|--output=)json|yaml|name|jsonpath] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]',
  flags: [
    ...['all-namespaces|A:bool', 'for:string', 'types:list', 'watch|w:bool', 'no-headers:bool', 'chunk-size:int=500', 'output|o:string'],
    ...['show-managed-fields:bool', 'template:string', 'allow-missing-template-keys:bool=true'],
  ],
  run: async (invocation) => {
    const { session, flags } = invocation
    const types = typesOf(invocation)
    const query = await aboutOf(invocation)
    const { client, namespace } = await session.connect()
    const everywhere = flags.bool('all-namespaces')
    const target = everywhere ? {} : { namespace }
    const wanted = (object: JsonObject): boolean => types.length === 0 || types.includes(textAt(object, 'type').toLowerCase())
    const list = await client.list(event, target, { query })
    const found = (list.items as unknown as Dynamic[]).filter(wanted)
    const printer = printerOf(flags.text('output'), { showManagedFields: flags.bool('show-managed-fields') })
    const widths: number[] = []
    const header = ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']
    const rowOf = (object: JsonObject): string[] => [
      ...(everywhere ? [textAt(object, 'metadata.namespace')] : []),
      ...[eventAge(object, session.env.now()), textAt(object, 'type'), textAt(object, 'reason')],
      `${textAt(object, 'involvedObject.kind')}/${textAt(object, 'involvedObject.name')}`,
      textAt(object, 'message').trim(),
    ]
    const print = (objects: readonly Dynamic[], headed: boolean): void => {
      const typed = objects.map((object) => ({ ...object, apiVersion: 'v1', kind: 'Event' }) as unknown as Dynamic)
      if (printer) {
        // kubectl's list of events has no name to print, so that -o name prints nothing for it.
        const text = headed && flags.text('output') === 'name' ? '' : printer(headed ? eventList(typed) : (typed[0] as Dynamic))
        session.write(text)
        return
      }
      const rows = headed && !flags.bool('no-headers') ? [[...(everywhere ? ['NAMESPACE'] : []), ...header]] : []
      session.write(alignRows([...rows, ...objects.map(rowOf)], widths))
    }
    const sorted = [...found].sort((a, b) => seenMs(a) - seenMs(b) || 0)
    if (sorted.length > 0) print(sorted, true)
    else if (!flags.bool('watch')) session.complain(everywhere ? 'No events found.' : `No events found in ${namespace} namespace.`)
    if (!flags.bool('watch')) return 0
    const { signal } = session.deps
    const frames = await client.watch(event, target, {
      query: { ...query, resourceVersion: list.metadata.resourceVersion },
      ...(signal ? { signal } : {}),
    })
    for await (const batch of frames)
      for (const { type, object } of batch)
        if ((type === 'ADDED' || type === 'MODIFIED') && wanted(object as unknown as Dynamic)) print([object as unknown as Dynamic], false)
    return 0
  },
}
