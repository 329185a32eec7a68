import { isDeepStrictEqual } from 'node:util'
import type { Resource } from '@skiff/api'
import type { Env, KubeObject, ObjectMeta } from '@skiff/machinery'
import { alreadyExists, badRequest, conflict, forbidden, isRefusal, keyOf, notFound, rfc3339 } from '@skiff/machinery'
import type { Call, Frame, Handler, ListValue, Reply } from '../call.ts'
import { createHistory } from './history.ts'
import { mergePatch } from './patch.ts'

interface Stored extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
}
interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly propagationPolicy?: 'Orphan' | 'Foreground' | 'Background'
  readonly gracePeriodSeconds?: number
}

export interface MemoryServer {
  readonly handler: Handler
  /** The current objects of one resource, for assertions. */
  all<T extends KubeObject>(resource: Resource<T>): T[]
  readonly revision: number
  /** Forgets all history and ends every watch: watchers must list again. */
  cutHistory(): void
  /** Every write that succeeded: `create pods a/b`. */
  readonly writes: readonly string[]
}

/**
 * A small API server for tests of what is built on the client: revisions and conflicts, watch, graceful deletion, finalizers, status
 * apart from spec, namespaces that terminate. It neither defaults nor validates.
 */
export const createMemoryServer = (env: Env, resources: readonly Resource[]): MemoryServer => {
  const tables = new Map<string, { readonly resource: Resource; readonly rows: Map<string, Stored> }>()
  for (const resource of resources) tables.set(`${resource.group}/${resource.plural}`, { resource, rows: new Map() })
  const history = createHistory()
  const writes: string[] = []
  let revision = 1
  let uids = 0

  const idOf = (call: Call) => `${call.group}/${call.resource}`
  const tableOf = (call: Call) => {
    const table = tables.get(idOf(call))
    if (!table) throw notFound(call, call.name ?? '')
    return table
  }
  const rowKey = (call: Call, name = call.name ?? ''): string => (call.namespace ? `${call.namespace}/${name}` : name)
  const bodyOf = <B>(call: Call): B => (call.body && 'object' in call.body ? call.body.object : {}) as B
  const commit = (call: Call, key: string, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Stored): Stored => {
    revision += 1
    const next = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
    const { rows } = tableOf(call)
    if (type === 'DELETED') rows.delete(key)
    else rows.set(key, next)
    history.add(idOf(call), type, next, revision)
    writes.push(`${call.verb} ${call.resource}${call.subresource ? `/${call.subresource}` : ''} ${key}`)
    return next
  }
  const current = (call: Call): Stored => {
    const held = tableOf(call).rows.get(rowKey(call))
    if (!held) throw notFound(call, call.name ?? '')
    return held
  }

  const create = (call: Call): Stored => {
    if (call.subresource) return createPart(call)
    const draft = bodyOf<Stored & { metadata: Partial<ObjectMeta> }>(call)
    const { resource, rows } = tableOf(call)
    refuseInTerminating(call)
    const suffix = () => Array.from({ length: 5 }, () => 'bcdfghjklmnpqrstvwxz2456789'[Math.floor(env.random() * 27)]).join('')
    const name = draft.metadata.name ?? `${draft.metadata.generateName ?? ''}${suffix()}`
    const key = rowKey(call, name)
    if (rows.has(key)) throw alreadyExists(call, name)
    uids += 1
    const { status, ...rest } = draft
    const keepsStatus = resource.plural === 'nodes'
    const object: Stored = {
      ...rest,
      ...(keepsStatus && status ? { status } : {}),
      ...(resource.plural === 'namespaces' ? { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } } : {}),
      metadata: {
        ...draft.metadata,
        name,
        ...(call.namespace ? { namespace: call.namespace } : {}),
        uid: `uid-${uids}`,
        creationTimestamp: rfc3339(env.now()),
        generation: 1,
        resourceVersion: '',
      },
    }
    return commit(call, key, 'ADDED', object)
  }
  const refuseInTerminating = (call: Call): void => {
    const owner = tables.get('/namespaces')?.rows.get(call.namespace ?? '')
    if (owner?.metadata.deletionTimestamp)
      throw forbidden(call, '', `unable to create new content in namespace ${call.namespace} because it is being terminated`)
  }
  const createPart = (call: Call): Stored => {
    const held = current(call)
    if (call.subresource === 'binding') {
      const { target } = bodyOf<{ target: { name: string } }>(call)
      if (held.spec?.nodeName) throw conflict(call, held.metadata.name, `pod ${held.metadata.name} is already assigned to node`)
      return commit(call, rowKey(call), 'MODIFIED', { ...held, spec: { ...held.spec, nodeName: target.name } })
    }
    if (call.subresource === 'eviction') {
      remove(call, {})
      return held
    }
    throw badRequest(`no subresource ${call.subresource} here`)
  }

  /** The scale of what has replicas and a selector. */
  const scaleOf = ({ metadata, spec, status }: Stored): Stored => {
    const { matchLabels = {} } = (spec?.selector ?? {}) as { readonly matchLabels?: Readonly<Record<string, string>> }
    const selector = Object.entries(matchLabels).map(([name, value]) => `${name}=${value}`)
    return {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata,
      spec: { replicas: spec?.replicas ?? 0 },
      status: { replicas: status?.replicas ?? 0, selector: selector.join(',') },
    }
  }
  const updateScale = (call: Call, wanted: Stored): Stored => {
    const held = current(call)
    const { resourceVersion } = wanted.metadata
    const { subresource: _, ...whole } = call
    const next = { ...held, spec: { ...held.spec, replicas: wanted.spec?.replicas }, metadata: { ...held.metadata, resourceVersion } }
    return scaleOf(update(whole, next as Stored))
  }
  const update = (call: Call, wanted: Stored): Stored => {
    if (call.subresource === 'scale') return updateScale(call, wanted)
    const held = current(call)
    const asked = wanted.metadata.resourceVersion
    if (asked && asked !== held.metadata.resourceVersion)
      throw conflict(
        call,
        held.metadata.name,
        'the object has been modified; please apply your changes to the latest version and try again',
      )
    const { uid, creationTimestamp, deletionTimestamp, generation, resourceVersion } = held.metadata
    const kept = { uid, creationTimestamp, resourceVersion, ...(generation !== undefined ? { generation } : {}) }
    const metadata: ObjectMeta = { ...wanted.metadata, ...kept, ...(deletionTimestamp ? { deletionTimestamp } : {}) }
    const next = updated(call, held, { ...wanted, metadata })
    if (isDeepStrictEqual(next, held)) return held
    const finished = next.metadata.deletionTimestamp && !pending(next)
    if (!finished) return commit(call, rowKey(call), 'MODIFIED', next)
    commit(call, rowKey(call), 'DELETED', next)
    // As upstream: with the version that the write was made from.
    return next
  }
  const updated = (call: Call, held: Stored, wanted: Stored): Stored => {
    if (call.subresource === 'status' || call.subresource === 'approval') {
      // As upstream's status strategies have it: annotations go along.
      const { annotations } = wanted.metadata
      return {
        ...held,
        ...(wanted.status ? { status: wanted.status } : {}),
        metadata: { ...held.metadata, ...(annotations ? { annotations } : {}) },
      }
    }
    if (call.subresource === 'finalize') return { ...held, ...(wanted.spec ? { spec: wanted.spec } : {}) }
    const { status: _status, metadata, ...content } = wanted
    const { status: heldStatus, metadata: heldMeta, ...heldContent } = held
    const changed = !isDeepStrictEqual(JSON.parse(JSON.stringify(content)), JSON.parse(JSON.stringify(heldContent)))
    const generation = (heldMeta.generation ?? 0) + (changed ? 1 : 0)
    return { ...content, ...(heldStatus ? { status: heldStatus } : {}), metadata: { ...metadata, generation } }
  }
  /** What keeps an object that is being deleted. */
  const pending = (object: Stored): boolean =>
    (object.metadata.finalizers?.length ?? 0) > 0 ||
    ((object.spec?.finalizers as string[] | undefined)?.length ?? 0) > 0 ||
    (object.metadata.deletionGracePeriodSeconds ?? 0) > 0

  const remove = (call: Call, options: DeleteOptions): void => {
    const held = current(call)
    const { uid, resourceVersion } = options.preconditions ?? {}
    if (uid && uid !== held.metadata.uid)
      throw conflict(call, held.metadata.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${held.metadata.uid}`)
    if (resourceVersion && resourceVersion !== held.metadata.resourceVersion)
      throw conflict(
        call,
        held.metadata.name,
        `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${held.metadata.resourceVersion}`,
      )
    const marks = { Orphan: 'orphan', Foreground: 'foregroundDeletion', Background: undefined }
    const mark = marks[options.propagationPolicy ?? 'Background']
    const finalizers = [...(held.metadata.finalizers ?? []).filter((one) => one !== 'orphan' && one !== 'foregroundDeletion')]
    if (mark) finalizers.push(mark)
    const isRunningPod = call.resource === 'pods' && held.spec?.nodeName && !['Succeeded', 'Failed'].includes(String(held.status?.phase))
    const grace = isRunningPod ? (options.gracePeriodSeconds ?? (held.spec?.terminationGracePeriodSeconds as number | undefined) ?? 30) : 0
    const metadata: ObjectMeta = {
      ...held.metadata,
      finalizers,
      deletionTimestamp: held.metadata.deletionTimestamp ?? rfc3339(env.now() + grace * 1_000),
      deletionGracePeriodSeconds: grace,
    }
    const next = {
      ...held,
      metadata,
      ...(call.resource === 'namespaces' ? { status: { ...held.status, phase: 'Terminating' } } : {}),
    }
    if (!pending(next)) commit(call, rowKey(call), 'DELETED', next)
    else if (!isDeepStrictEqual(next, held)) commit(call, rowKey(call), 'MODIFIED', next)
  }

  const select = (call: Call): Stored[] => {
    const wants = String(call.query.labelSelector ?? '')
      .split(',')
      .filter(Boolean)
      .map((part) => part.split('='))
    const matches = (object: Stored) => wants.every(([name, value]) => object.metadata.labels?.[name ?? ''] === value)
    const rows = [...tableOf(call).rows.values()]
    return rows.filter((object) => (!call.namespace || object.metadata.namespace === call.namespace) && matches(object))
  }
  const list = (call: Call): ListValue => ({
    apiVersion: call.group ? `${call.group}/${call.version}` : call.version,
    kind: `${tableOf(call).resource.kind}List`,
    metadata: { resourceVersion: String(revision) },
    items: select(call),
  })
  const watch = (call: Call): Reply => {
    const { resourceVersion } = call.query
    const from = Number(resourceVersion ?? 0)
    const initial: Frame[] = from === 0 ? select(call).map((object) => ({ type: 'ADDED' as const, object })) : []
    return { watch: history.watch(idOf(call), from || revision, initial, call.signal) }
  }
  const value = (object: unknown): Reply => ({ status: 200, object })
  const perform = (call: Call): Reply => {
    switch (call.verb) {
      case 'get':
        return value(call.subresource === 'scale' ? scaleOf(current(call)) : current(call))
      case 'list':
        return value(list(call))
      case 'watch':
        tableOf(call)
        return watch(call)
      case 'create':
        return value(create(call))
      case 'update':
        return value(update(call, bodyOf(call)))
      case 'patch': {
        const strategic = call.body !== undefined && 'contentType' in call.body && call.body.contentType?.includes('strategic') === true
        return value(update(call, mergePatch(current(call), bodyOf(call), strategic) as Stored))
      }
      case 'delete':
        remove(call, bodyOf(call))
        // As upstream answers for most kinds: no object, so no revision.
        return value({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' })
      case 'deletecollection': {
        const found = list(call)
        for (const object of found.items)
          remove({ ...call, name: object.metadata.name, namespace: object.metadata.namespace ?? '' }, bodyOf(call))
        return value(found)
      }
      case 'connect':
        throw badRequest('nothing to connect to')
    }
  }
  return {
    handler: async (call) => perform(call),
    all: <T extends KubeObject>(resource: Resource<T>) =>
      [...(tables.get(`${resource.group}/${resource.plural}`)?.rows.values() ?? [])].sort((a, b) =>
        keyOf(a) < keyOf(b) ? -1 : 1,
      ) as unknown as T[],
    get revision() {
      return revision
    },
    cutHistory: () => {
      revision += 1
      history.compact(revision, true)
    },
    writes,
  }
}

export const isConflict = (error: unknown): boolean => isRefusal(error, 409)
