import { event } from '@skiff/api'
import type { Query, ServedResource } from '@skiff/client'
import type { JsonObject } from '@skiff/machinery'
import type { Dynamic } from '../objects/fields.ts'
import type { Session } from '../session.ts'

type Where = Pick<ServedResource, 'group' | 'version' | 'kind' | 'plural' | 'namespaced'>

/** Whom events are about. `kind` may be left out, as for pods. */
export interface Involved {
  readonly name: string
  readonly namespace: string
  readonly kind?: string
  readonly uid: string
}

/** What a description may look at besides its object. */
export interface Look {
  readonly nowMs: number
  list(resource: Where, namespace: string, query?: Query): Promise<readonly Dynamic[]>
  get(resource: Where, name: string, namespace?: string): Promise<Dynamic>
  /** The events about an object; undefined where they are not wanted or cannot be had. */
  events(about: Involved): Promise<readonly JsonObject[] | undefined>
}

export interface LookOptions {
  readonly showEvents: boolean
  /** Objects a page; 0: all at once. */
  readonly pageSize: number
}

/** Looks through a session's connection. */
export const lookThrough = async (session: Session, { showEvents, pageSize }: LookOptions): Promise<Look> => {
  const { client } = await session.connect()
  const list = async (resource: Where, namespace: string, query: Query = {}): Promise<readonly Dynamic[]> => {
    const items: Dynamic[] = []
    let next = ''
    do {
      const paging = { ...(pageSize > 0 ? { limit: String(pageSize) } : {}), ...(next ? { continue: next } : {}) }
      const page = await client.list(resource as never, namespace === '' ? {} : { namespace }, { query: { ...query, ...paging } })
      items.push(...(page.items as unknown as Dynamic[]))
      next = page.metadata.continue ?? ''
    } while (next !== '')
    return items
  }
  return {
    nowMs: session.env.now(),
    list,
    get: async (resource, name, namespace) =>
      (await client.get(resource as never, { name, ...(namespace === undefined ? {} : { namespace }) })) as unknown as Dynamic,
    events: async ({ name, namespace, kind, uid }) => {
      if (!showEvents) return undefined
      const terms = { name, namespace, ...(kind ? { kind } : {}), ...(uid ? { uid } : {}) }
      const fieldSelector = Object.entries(terms)
        .map(([key, value]) => `involvedObject.${key}=${value}`)
        .join(',')
      return list(event, namespace, { fieldSelector }).catch(() => undefined)
    },
  }
}

/** A describer of one kind: the lines about an object, events included. */
export type Describer = (object: Dynamic, look: Look) => Promise<string[]>
