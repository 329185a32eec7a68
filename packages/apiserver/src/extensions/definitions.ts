import { type CustomResourceDefinition, type Kind, customResourceDefinition as resource } from '@skiff/api'
import type { Client } from '@skiff/client'
import { type Env, isRefusal, type Json, type ObjectSchema, rfc3339, sameJson } from '@skiff/machinery'
import type { Cache, CacheEvent } from '../registry/cache.ts'
import type { Registry } from '../registry/registry.ts'
import type { Storage } from '../registry/storage.ts'
import { countOf, entriesOf, find } from '../registry/tree.ts'
import type { WebhookClient } from '../webhooks/client.ts'
import { kindsOf } from './custom-kind.ts'
import { hasCondition, planStatus, takenBy, withCondition } from './names.ts'

export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

export interface DefinitionsOptions {
  readonly registry: Registry
  readonly storage: Storage
  /** Of the definitions themselves. */
  readonly cache: Cache
  readonly client: Client
  readonly meta: ObjectSchema
  /** Of conversions. */
  readonly webhooks: WebhookClient
  readonly env: Env
}

/** How long the objects of a definition that goes are given until they are looked at again, in milliseconds. */
const recheckMs = 500

/** Serves what definitions define, from now on until `stop`. */
export const followDefinitions = (options: DefinitionsOptions): { stop(): void } => {
  const { cache, env } = options
  /** The kinds that are served of a definition, and the definition they were made of. */
  const served = new Map<string, { readonly of: CustomResourceDefinition; readonly kinds: readonly Kind[] }>()
  const busy = new Map<string, boolean>()
  let stopped = false

  const held = (name: string) => find(cache.tree, name)?.object as CustomResourceDefinition | undefined
  const serve = (name: string, definition: CustomResourceDefinition | undefined): void => {
    const before = served.get(name)
    if (!definition || !hasCondition(definition, 'Established')) {
      for (const kind of before?.kinds ?? []) options.registry.remove(kind)
      if (before?.kinds[0]) options.storage.drop(before.kinds[0])
      served.delete(name)
      return
    }
    if (before && sameDefinition(before.of, definition)) return
    const kinds = kindsOf(definition, options.meta, options.webhooks)
    const versions = new Set(kinds.map(({ version }) => version))
    for (const kind of before?.kinds ?? []) if (!versions.has(kind.version)) options.registry.remove(kind)
    for (const kind of kinds) options.registry.add(kind)
    // Objects are read anew by what the definition says now; watches end with what it said before, as upstream's do.
    if (before?.kinds[0] && !sameSpec(before.of, definition)) options.storage.drop(before.kinds[0])
    served.set(name, { of: definition, kinds })
  }

  const sync = async (name: string): Promise<void> => {
    const definition = held(name)
    serve(name, definition)
    if (!definition) return
    if (definition.metadata.deletionTimestamp) return cleanUp(options, definition, served.get(name)?.kinds[0])
    await inTurn(() => grantNames(name))
  }

  /** Names are granted to one definition at a time: two that want the same are not both told that it is free. */
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const next = last.then(work, work)
    last = next.catch(() => undefined)
    return next
  }
  const grantNames = async (name: string): Promise<void> => {
    const definition = held(name)
    if (!definition || definition.metadata.deletionTimestamp) return
    const others = [...entriesOf(cache.tree, '')].map((entry) => entry.object as CustomResourceDefinition)
    const status = planStatus(definition, takenBy(others, definition), rfc3339(env.now()))
    if (!sameJson(status as unknown as Json, definition.status as unknown as Json))
      await options.client.update(resource, { ...definition, status }, { subresource: 'status' })
  }

  /** One run of a definition at a time; what happens meanwhile is looked at afterwards. */
  const wake = async (name: string): Promise<void> => {
    if (busy.has(name)) {
      busy.set(name, true)
      return
    }
    busy.set(name, false)
    let failed = false
    try {
      await sync(name)
    } catch (error) {
      if (!isRefusal(error, 409) && !isRefusal(error, 404))
        env.log.warn('a custom resource definition waits', { name, error: String(error) })
      failed = true
    }
    const again = busy.get(name)
    busy.delete(name)
    if (stopped) return
    if (again) void wake(name)
    else if (failed || held(name)?.metadata.deletionTimestamp) env.after(recheckMs, () => !stopped && void wake(name))
  }

  /** Names that one definition gives up may be what others of its group wait for. */
  const wakeWaiting = (name: string, { before, after }: CacheEvent): void => {
    const was = before?.object as CustomResourceDefinition | undefined
    const is = after?.object as CustomResourceDefinition | undefined
    if (!was || sameJson((was.status?.acceptedNames ?? null) as Json, (is?.status?.acceptedNames ?? null) as unknown as Json)) return
    for (const entry of entriesOf(cache.tree, '')) {
      const other = entry.object as CustomResourceDefinition
      if (other.spec.group === was.spec.group && entry.key !== name && !hasCondition(other, 'NamesAccepted')) void wake(entry.key)
    }
  }

  const listen: Parameters<Cache['listeners']['add']>[0] = (events) => {
    for (const event of events) {
      const name = (event.after ?? event.before)?.key
      if (name === undefined) continue
      // Kinds come and go with the commit itself, before its writer hears of it.
      serve(name, held(name))
      void wake(name)
      wakeWaiting(name, event)
    }
  }
  cache.listeners.add(listen)
  for (const entry of entriesOf(cache.tree, '')) {
    serve(entry.key, entry.object as CustomResourceDefinition)
    void wake(entry.key)
  }
  return {
    stop: () => {
      stopped = true
      cache.listeners.delete(listen)
    },
  }
}

const sameSpec = (a: CustomResourceDefinition, b: CustomResourceDefinition): boolean =>
  sameJson(a.spec as unknown as Json, b.spec as unknown as Json)

const sameDefinition = (a: CustomResourceDefinition, b: CustomResourceDefinition): boolean =>
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
  sameJson(a.spec as unknown as Json, b.spec as unknown as Json) &&
  sameJson(a.status?.acceptedNames as unknown as Json, b.status?.acceptedNames as unknown as Json)

/** Collections are deleted a namespace at a time. */
const namespacesOf = (kind: Kind, cache: Cache): readonly string[] =>
  kind.namespaced ? [...new Set([...entriesOf(cache.tree, '')].map(({ object }) => object.metadata.namespace ?? ''))] : ['']

interface Terminating {
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}
const deleting: Terminating = { status: 'True', reason: 'InstanceDeletionInProgress', message: 'CustomResource deletion is in progress' }
const deleted: Terminating = { status: 'False', reason: 'InstanceDeletionCompleted', message: 'removed all instances' }

/** Deletes the objects of a definition; when none is left, lets the definition go. */
const cleanUp = async (
  { client, registry, storage, env }: DefinitionsOptions,
  definition: CustomResourceDefinition,
  kind: Kind | undefined,
): Promise<void> => {
  if (!definition.metadata.finalizers?.includes(cleanupFinalizer)) return
  const now = rfc3339(env.now())
  const withTerminating = (next: Terminating): CustomResourceDefinition['status'] =>
    ({
      ...definition.status,
      conditions: withCondition(definition.status?.conditions ?? [], { type: 'Terminating', ...next } as never, now),
    }) as CustomResourceDefinition['status']
  const terminating = definition.status?.conditions?.find(({ type }) => type === 'Terminating')
  if (terminating?.reason !== deleting.reason && terminating?.status === 'True') {
    await client.update(resource, { ...definition, status: withTerminating(deleting) }, { subresource: 'status' })
    return
  }
  if (kind) {
    const cache = await storage.cache(registry.stored(kind))
    if (countOf(cache.tree, '', '') > 0) {
      for (const namespace of namespacesOf(kind, cache)) await client.removeCollection(kind, namespace === '' ? {} : { namespace })
      if (countOf(cache.tree, '', '') > 0) return
    }
  }
  const finalizers = definition.metadata.finalizers.filter((each) => each !== cleanupFinalizer)
  const next = { ...definition, metadata: { ...definition.metadata, finalizers }, status: withTerminating(deleted) }
  await client.update(resource, next as CustomResourceDefinition, { subresource: 'status' })
}
