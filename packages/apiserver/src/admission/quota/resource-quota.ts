import { type Amounts, coversPod, isScoped, type Kind, type Pod, type ResourceQuota } from '@skiff/api'
import { compareQuantities, conflict, forbidden, quantityText, subtractQuantities } from '@skiff/machinery'
import type { Cache } from '../../registry/cache.ts'
import { entriesOf, find } from '../../registry/tree.ts'
import { namedOf } from '../../rest/context.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import type { AdmissionSources } from '../sources.ts'
import { charged } from './charge.ts'
import { createFlights } from './flights.ts'
import { unsaidAmounts } from './unsaid-amounts.ts'
import { countsUpdates, usageOf } from './usage.ts'

/** How often a charge is tried again over a newer quota. */
const maxTries = 40

/**
 * Charges what a write counts for to the namespace's quotas, or refuses it. The charge is a compare-and-swap on the quota's status
 * before the object is written, so writers at the same time can never exceed it together. Charges of writes that then fail are not
 * taken back here: the quota controller counts afresh, as upstream's does.
 */
export const resourceQuota = (sources: AdmissionSources): AdmissionPlugin => {
  const { registry, storage } = sources
  let cache: Cache | undefined
  const load = async (): Promise<Cache> => {
    cache = await storage.cache(registry.find('', 'v1', 'resourcequotas') as Kind)
    return cache
  }
  const chains = new Map<string, Promise<unknown>>()
  const flights = createFlights(storage, sources.env)
  const check = (quotas: Cache, request: AdmissionRequest): undefined | Promise<() => void> => {
    const namespace = request.namespace as string
    let any = false
    for (const _ of entriesOf(quotas.tree, `${namespace}/`)) any = true
    if (!any) return undefined
    // One charge of a namespace after the other: they would only lose to each other.
    const before = chains.get(namespace) ?? Promise.resolve()
    const own = before.then(async () => {
      const landed = flights.begin(request)
      try {
        await chargeAll(sources, quotas, request)
      } catch (error) {
        landed()
        throw error
      }
      return landed
    })
    const settled = own.catch(() => undefined)
    chains.set(namespace, settled)
    void settled.then(() => {
      if (chains.get(namespace) === settled) chains.delete(namespace)
    })
    return own
  }
  return {
    name: 'ResourceQuota',
    validate: (request) => {
      const { kind, verb, subresource, namespace } = request
      if (!kind.namespaced || namespace === undefined || kind.group === 'authorization.k8s.io') return undefined
      // A count that was made before a charged object could be seen would take its charge back.
      if (kind.plural === 'resourcequotas' && subresource === 'status' && isCounter(request) && lowers(request) && flights.any(namespace))
        throw conflict(namedOf(kind), request.name, 'objects that were charged to this quota are being written')
      if (subresource !== undefined || !(verb === 'create' || (verb === 'update' && countsUpdates(kind)))) return undefined
      return cache ? check(cache, request) : load().then((loaded) => check(loaded, request))
    },
  }
}

/** It tries again, and nobody else works from a count that may be too old. */
const isCounter = ({ identity }: AdmissionRequest): boolean =>
  identity.name === 'system:serviceaccount:kube-system:resourcequota-controller'

const lowers = ({ object, old }: AdmissionRequest): boolean => {
  const now = (object as ResourceQuota | undefined)?.status?.used ?? {}
  return Object.entries((old as ResourceQuota | undefined)?.status?.used ?? {}).some(
    ([name, amount]) => compareQuantities(now[name] ?? '0', amount) < 0,
  )
}

const chargeAll = async (sources: AdmissionSources, quotas: Cache, request: AdmissionRequest): Promise<undefined> => {
  const delta = deltaOf(request)
  const keys = [...entriesOf(quotas.tree, `${request.namespace}/`)].map((entry) => entry.key)
  // All are asked before one is charged, so that a refusal charges none.
  for (const key of keys) planCharge(quotas, key, delta, request)
  if (request.dryRun) return undefined
  for (const key of keys) await chargeOne(sources, quotas, key, delta, request)
  return undefined
}

const deltaOf = ({ kind, object, old }: AdmissionRequest): Amounts => {
  const now = object ? usageOf(kind, object) : {}
  if (!old) return now
  const before = usageOf(kind, old)
  const delta: Record<string, string> = {}
  for (const name of new Set([...Object.keys(now), ...Object.keys(before)]))
    delta[name] = quantityText(subtractQuantities(now[name] ?? '0', before[name] ?? '0'))
  return delta
}

const planCharge = (quotas: Cache, key: string, delta: Amounts, request: AdmissionRequest) => {
  const entry = find(quotas.tree, key)
  if (!entry) return undefined
  const quota = entry.object as ResourceQuota
  const what = namedOf(request.kind)
  const isPod = request.kind.group === '' && request.kind.plural === 'pods'
  if (isPod ? !coversPod(quota, request.object as Pod) : isScoped(quota)) return undefined
  const hard = Object.keys(quota.spec.hard ?? {})
  if (isPod && request.verb === 'create') {
    const unsaid = unsaidAmounts(request.object as Pod, hard)
    if (unsaid) throw forbidden(what, request.name, `failed quota: ${quota.metadata.name}: ${unsaid}`)
  }
  const unknown = hard.filter((name) => delta[name] !== undefined && quota.status?.used?.[name] === undefined).sort()
  if (unknown.length > 0)
    throw forbidden(what, request.name, `status unknown for quota: ${quota.metadata.name}, resources: ${unknown.join(',')}`)
  const next = charged(quota, delta, what, request.name)
  return next ? { entry, next } : undefined
}

const chargeOne = async (
  { storage, env }: AdmissionSources,
  quotas: Cache,
  key: string,
  delta: Amounts,
  request: AdmissionRequest,
): Promise<void> => {
  for (let attempt = 0; attempt < maxTries; attempt++) {
    const plan = planCharge(quotas, key, delta, request)
    if (!plan || (await storage.put(quotas.kind, key, plan.next, plan.entry.revision))) return
    await storage.fresh()
    await env.sleep(0)
  }
  throw conflict(namedOf(request.kind), request.name, 'the resource quota changes too often; please try again')
}
