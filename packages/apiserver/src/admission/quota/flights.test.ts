import { buildBuiltins, type Kind } from '@skiff/api'
import { virtualEnv } from '@skiff/client'
import { openMemoryStore } from '@skiff/store'
import { afterEach, expect, test } from 'vitest'
import { openStorage, type Storage } from '../../registry/storage.ts'
import type { AdmissionRequest } from '../admission.ts'
import { createFlights } from './flights.ts'

const kind = buildBuiltins().kinds.find((each) => each.plural === 'pods' && each.group === '') as Kind
const env = virtualEnv()
const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const begin = async (): Promise<{ storage: Storage; pod: never; request: AdmissionRequest }> => {
  const store = openMemoryStore()
  const storage = await openStorage(store, env)
  open.push(async () => {
    await storage.close()
    await store.close()
  })
  await storage.cache(kind)
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers: [] } } as never
  return { storage, pod, request: { kind, namespace: 'n', object: pod, dryRun: false } as unknown as AdmissionRequest }
}

test('a write is under way until it is seen, and a little longer', async () => {
  const { storage, pod, request } = await begin()
  const flights = createFlights(storage, env)
  flights.begin(request)
  await env.advance(1000)
  expect(flights.any('n')).toBe(true)
  await storage.put(kind, 'n/p', pod, 'absent')
  expect(flights.any('n')).toBe(true)
  await env.advance(300)
  expect(flights.any('n')).toBe(false)
})

test('an object that is gone before anybody asks has been seen', async () => {
  const { storage, pod, request } = await begin()
  const flights = createFlights(storage, env)
  flights.begin(request)
  const entry = await storage.put(kind, 'n/p', pod, 'absent')
  await storage.remove(kind, 'n/p', entry?.revision ?? 0)
  await env.advance(300)
  expect(flights.any('n')).toBe(false)
})

test('a write that failed is not under way; one that is never heard of again is given up', async () => {
  const { storage, request } = await begin()
  const flights = createFlights(storage, env)
  flights.begin(request)()
  expect(flights.any('n')).toBe(false)
  flights.begin(request)
  await env.advance(9_000)
  expect(flights.any('n')).toBe(true)
  await env.advance(2_000)
  expect(flights.any('n')).toBe(false)
})

test('a clock that is set back keeps nothing under way', async () => {
  const { storage, pod, request } = await begin()
  let backMs = 0
  const flights = createFlights(storage, { ...env, now: () => env.now() - backMs })
  flights.begin(request)
  await storage.put(kind, 'n/p', pod, 'absent')
  backMs = 3_600_000
  await env.advance(300)
  expect(flights.any('n')).toBe(false)
})
