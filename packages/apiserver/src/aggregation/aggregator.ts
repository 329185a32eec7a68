import type { APIService, Kind } from '@skiff/api'
import { apiService } from '@skiff/api'
import type { Client, Identity } from '@skiff/client'
import { type Env, isRefusal, rfc3339 } from '@skiff/machinery'
import type { KeyPair } from '../authn/authorities.ts'
import type { Cache } from '../registry/cache.ts'
import type { Registry } from '../registry/registry.ts'
import type { Storage } from '../registry/storage.ts'
import { entriesOf } from '../registry/tree.ts'
import type { DialService } from '../webhooks/client.ts'
import { type Availability, checkAvailability } from './availability.ts'
import { type Backend, createBackend } from './backend.ts'
import { type RemoteDocuments, readDocuments, readText } from './remote-documents.ts'
import { kindsOf } from './remote-kinds.ts'

/** Group versions that other servers serve: upstream's aggregator. */
export interface Aggregator {
  /** The backend of a path below /apis/GROUP/VERSION; undefined for what is served here. */
  find(path: string): Remote | undefined
  /** Whether another server is to serve a group version, be it there or not. */
  has(group: string, version: string): boolean
  /** What discovery shows of the backends that are there. */
  kinds(): readonly Kind[]
  /** The OpenAPI documents of those servers, by path below /openapi/v3/. */
  documents(): ReadonlyMap<string, RemoteDocuments>
  /** One of them in version 3; '' where it cannot be had now. */
  document3(path: string): Promise<string>
  /** Called when `kinds` or `documents` say something else. */
  subscribe(onChange: () => void): () => void
  stop(): void
}

export interface Remote {
  readonly backend: Backend
  readonly available: boolean
}

export interface AggregatorOptions {
  readonly cache: Cache
  readonly registry: Registry
  readonly storage: Storage
  readonly client: Client
  readonly dialService: DialService
  readonly frontProxy: () => Promise<KeyPair>
  readonly env: Env
}

/** How soon a backend is looked at again: one that is there, and one that is not. */
const checkMs = 30_000
const retryMs = 1000

interface Held {
  readonly backend: Backend
  availability: Availability | undefined
  kinds: readonly Kind[]
  documents: RemoteDocuments | undefined
  cancel: () => void
}

export const startAggregator = (options: AggregatorOptions): Aggregator => {
  const { cache, env } = options
  /** By `GROUP/VERSION`. */
  const backends = new Map<string, Held>()
  const listeners = new Set<() => void>()
  let stopped = false

  const check = async (key: string, held: Held): Promise<void> => {
    const found = await checkAvailability(options, held.backend)
    if (stopped || backends.get(key) !== held) return
    const before = JSON.stringify(held.kinds)
    const { group = '', version = '' } = held.backend.object.spec
    held.availability = found
    // A backend that went away keeps its resources in discovery: upstream calls them stale.
    if (found.resources !== undefined) held.kinds = kindsOf(group, version, found.resources)
    if (JSON.stringify(held.kinds) !== before) for (const listen of listeners) listen()
    await tell(options.client, held.backend.object, found, env)
    if (stopped || backends.get(key) !== held) return
    if (found.status === 'True') await readAgain(held)
    if (stopped || backends.get(key) !== held) return
    held.cancel = env.after(found.status === 'True' ? checkMs : retryMs, () => void check(key, held).catch(failed))
  }
  /** Documents may take their time: nobody waits for them. */
  const readAgain = async (held: Held): Promise<void> => {
    const documents = await readDocuments(held.backend, held.documents, env)
    if (documents === held.documents || JSON.stringify(documents) === JSON.stringify(held.documents)) return
    held.documents = documents
    for (const listen of listeners) listen()
  }
  const failed = (error: unknown) => env.log.warn('an aggregated server could not be checked', { error: String(error) })

  const follow = () => {
    const wanted = new Map<string, APIService>()
    for (const entry of entriesOf(cache.tree, '')) {
      const object = entry.object as APIService
      if (object.spec.service) wanted.set(`${object.spec.group}/${object.spec.version}`, object)
    }
    for (const [key, held] of backends) {
      const object = wanted.get(key)
      if (object && JSON.stringify(object.spec) === JSON.stringify(held.backend.object.spec)) wanted.delete(key)
      else {
        held.cancel()
        backends.delete(key)
        for (const listen of listeners) listen()
      }
    }
    for (const [key, object] of wanted) {
      const held: Held = {
        backend: createBackend(object, options),
        availability: undefined,
        kinds: [],
        documents: undefined,
        cancel: () => {},
      }
      backends.set(key, held)
      for (const listen of listeners) listen()
      void check(key, held).catch(failed)
    }
  }
  cache.listeners.add(follow)
  follow()

  return {
    find: (path) => {
      if (backends.size === 0 || !path.startsWith('/apis/')) return undefined
      const [, , group = '', version = ''] = path.split('/')
      const held = backends.get(`${group}/${version}`)
      return held && { backend: held.backend, available: held.availability?.status === 'True' }
    },
    has: (group, version) => backends.size > 0 && backends.has(`${group}/${version}`),
    kinds: () => [...backends.values()].flatMap(({ kinds }) => kinds),
    documents: () => new Map([...backends.values()].flatMap(({ documents }) => (documents ? [[documents.path, documents] as const] : []))),
    document3: async (path) => {
      const held = backends.get(path.slice('apis/'.length))
      const url = held?.documents?.url3
      return held && url ? readText(held.backend, url, env) : ''
    },
    subscribe: (onChange) => {
      listeners.add(onChange)
      return () => listeners.delete(onChange)
    },
    stop: () => {
      stopped = true
      cache.listeners.delete(follow)
      for (const { cancel } of backends.values()) cancel()
    },
  }
}

/** Writes the condition where it says something new. */
const tell = async (client: Client, { metadata: { name } }: APIService, found: Availability, env: Env): Promise<void> => {
  try {
    const object = await client.get(apiService, { name })
    const conditions = object.status?.conditions ?? []
    const old = conditions.find(({ type }) => type === 'Available')
    const { status, reason, message } = found
    if (old?.status === status && old.reason === reason && old.message === message) return
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : rfc3339(env.now())
    const condition = { type: 'Available', status, reason, message, ...(lastTransitionTime ? { lastTransitionTime } : {}) }
    const next = { ...object, status: { conditions: [...conditions.filter(({ type }) => type !== 'Available'), condition] } }
    await client.update(apiService, next as APIService, { name, subresource: 'status' })
  } catch (error) {
    // Gone, or changed by another: the next look tells again.
    if (!isRefusal(error) || (error.code !== 404 && error.code !== 409)) throw error
  }
}

/** Who the client is, as the front proxy tells the backend. */
export const remoteHeaders = ({ name, uid, groups, extra = {} }: Identity): Record<string, string | string[]> => ({
  'x-remote-user': name,
  ...(uid ? { 'x-remote-uid': uid } : {}),
  ...(groups.length > 0 ? { 'x-remote-group': [...groups] } : {}),
  ...Object.fromEntries(
    Object.entries(extra).map(([key, values]) => [`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`, [...values]]),
  ),
})
