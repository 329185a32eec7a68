import { expect, test } from 'vitest'
import {
  type Any,
  at,
  type ConversionHook,
  definitions,
  firstVersion,
  hookForTests,
  person,
  secondVersion,
} from '../testing/conversion-hook.ts'

let hook: ConversionHook
const send: ConversionHook['send'] = (...all) => hook.send(...all)
hookForTests((made) => {
  hook = made
})

const change = async (group: string, edit: (definition: Any) => void) => {
  const { body } = await send('GET', `${definitions}/people.${group}`)
  edit(body)
  return send('PUT', `${definitions}/people.${group}`, body)
}
const setStatus = async (group: string, storedVersions: readonly string[]) =>
  send('PATCH', `${definitions}/people.${group}/status`, { status: { storedVersions } }, 'application/merge-patch+json')
const storedOf = async (group: string) => (await send('GET', `${definitions}/people.${group}`)).body.status.storedVersions
const storeIn = (group: string, version: string) =>
  change(group, ({ spec }) => {
    for (const each of spec.versions) each.storage = each.name === version
  })

test('objects of an older storage version are read, converted, and rewritten when they are written', async () => {
  const group = 'moves.example.com'
  await hook.define(group)
  await send('POST', at(group, 'v1'), person(group, 'v1', 'a', { first: 'A', last: 'B' }))
  await send('POST', at(group, 'v1'), person(group, 'v1', 'b', { first: 'C', last: 'D' }))
  expect(await storedOf(group)).toEqual(['v1'])
  expect((await storeIn(group, 'v2')).status).toBe(200)
  expect(await storedOf(group)).toEqual(['v1', 'v2'])
  expect((await send('GET', at(group, 'v2', '/a'))).body.spec).toEqual({ name: 'A B', replicas: 1 })
  expect((await send('GET', at(group, 'v1'))).body.items.map(({ spec }: Any) => spec.last)).toEqual(['B', 'D'])
  const before = (await send('GET', at(group, 'v2', '/a'))).body.metadata.resourceVersion
  const touched = await send('PATCH', at(group, 'v1', '/a'), { spec: { last: 'Z' } }, 'application/merge-patch+json')
  expect(touched.body).toMatchObject({ apiVersion: `${group}/v1`, spec: { first: 'A', last: 'Z' } })
  expect(touched.body.metadata.resourceVersion).not.toBe(before)
  hook.respond = () => ({})
  // What was rewritten needs no webhook any more.
  expect((await send('GET', at(group, 'v2', '/a'))).body.spec).toEqual({ name: 'A Z', replicas: 1 })
})

test('a version that something may be stored in can not go', async () => {
  const group = 'stays.example.com'
  await hook.define(group)
  await storeIn(group, 'v2')
  const dropFirst = ({ spec }: Any) => {
    spec.versions = [{ ...secondVersion, storage: true }]
  }
  const refused = await change(group, dropFirst)
  expect(refused).toMatchObject({
    status: 422,
    body: {
      message: `CustomResourceDefinition.apiextensions.k8s.io "people.${group}" is invalid: status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions`,
    },
  })
  expect((await setStatus(group, ['v2'])).status).toBe(200)
  expect((await change(group, dropFirst)).status).toBe(200)
  expect((await send('GET', at(group, 'v1'))).status).toBe(404)
  expect((await send('GET', at(group, 'v2'))).status).toBe(200)
})

test('a stored version need not be served', async () => {
  const group = 'unserved.example.com'
  await hook.define(group)
  await send('POST', at(group, 'v1'), person(group, 'v1', 'a', { first: 'A', last: 'B' }))
  await change(group, ({ spec }) => {
    spec.versions[0].served = false
  })
  expect((await send('GET', at(group, 'v1', '/a'))).status).toBe(404)
  expect((await send('GET', at(group, 'v2', '/a'))).body.spec).toEqual({ name: 'A B', replicas: 1 })
  const made = await send('POST', at(group, 'v2'), person(group, 'v2', 'b', { name: 'C D' }))
  expect(made.body.spec).toEqual({ name: 'C D', replicas: 1 })
  expect(hook.reviews.at(-1).request.desiredAPIVersion).toBeDefined()
  expect((await send('DELETE', at(group, 'v2'))).status).toBe(200)
})

test('without a webhook versions differ by name alone, and the schema of each prunes what it does not know', async () => {
  const group = 'none.example.com'
  await hook.define(group, undefined, (definition) => {
    definition.spec.conversion = { strategy: 'None' }
    return definition
  })
  await send('POST', at(group, 'v1'), person(group, 'v1', 'a', { first: 'A', last: 'B' }))
  expect((await send('GET', at(group, 'v2', '/a'))).body).toMatchObject({ apiVersion: `${group}/v2`, spec: { replicas: 1 } })
  expect((await send('GET', at(group, 'v2', '/a'))).body.spec.first).toBeUndefined()
  await change(group, ({ spec }) => {
    const clientConfig = { url: `https://127.0.0.1:${hook.port}/convert`, caBundle: hook.caBundle }
    spec.conversion = { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } }
  })
  expect((await send('GET', at(group, 'v2', '/a'))).body.spec).toEqual({ name: 'A B', replicas: 1 })
  expect(hook.reviews).toHaveLength(1)
})

test('a schema that changes is heard of by the next read: what it no longer knows is gone, its new defaults are there', async () => {
  const group = 'schema.example.com'
  await hook.define(group, undefined, (definition) => {
    definition.spec.conversion = { strategy: 'None' }
    definition.spec.versions = [firstVersion]
    return definition
  })
  await send('POST', at(group, 'v1'), person(group, 'v1', 'a', { first: 'A', last: 'B' }))
  await change(group, ({ spec }) => {
    const { properties } = spec.versions[0].schema.openAPIV3Schema.properties.spec
    properties.title = { type: 'string', default: 'Dr' }
    delete properties.last
  })
  expect((await send('GET', at(group, 'v1', '/a'))).body.spec).toEqual({ first: 'A', title: 'Dr', replicas: 1 })
  expect((await send('GET', at(group, 'v1'))).body.items[0].spec).toEqual({ first: 'A', title: 'Dr', replicas: 1 })
})
