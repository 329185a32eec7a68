import { describe, expect, test } from 'vitest'
import { type Any, at, type ConversionHook, hookForTests, person } from '../testing/conversion-hook.ts'

let hook: ConversionHook
const send: ConversionHook['send'] = (...all) => hook.send(...all)
hookForTests((made) => {
  hook = made
})

describe('conversion by webhook', () => {
  const group = 'people.example.com'
  test('serves every verb in both versions', async () => {
    await hook.define(group)
    const made = await send('POST', at(group, 'v2'), person(group, 'v2', 'ada', { name: 'Ada Lovelace' }))
    expect(made).toMatchObject({ status: 201, body: { apiVersion: `${group}/v2`, spec: { name: 'Ada Lovelace', replicas: 1 } } })
    expect(hook.reviews[0]).toMatchObject({
      kind: 'ConversionReview',
      apiVersion: 'apiextensions.k8s.io/v1',
      request: { desiredAPIVersion: `${group}/v1`, objects: [{ apiVersion: `${group}/v2`, metadata: { uid: made.body.metadata.uid } }] },
    })
    expect((await send('GET', at(group, 'v1', '/ada'))).body.spec).toEqual({ first: 'Ada', last: 'Lovelace', replicas: 1 })
    await send('POST', at(group, 'v1'), person(group, 'v1', 'alan', { first: 'Alan', last: 'Turing' }))
    hook.reviews = []
    const all = await send('GET', at(group, 'v2'))
    expect(all.body.items.map(({ spec }: Any) => spec.name)).toEqual(['Ada Lovelace', 'Alan Turing'])
    expect(hook.reviews.length).toBeLessThan(2)
    const chosen = await send('GET', at(group, 'v2', '?fieldSelector=spec.name%3DAlan%20Turing'))
    expect(chosen.body.items.map(({ metadata }: Any) => metadata.name)).toEqual(['alan'])
    const merged = await send('PATCH', at(group, 'v2', '/alan'), { spec: { name: 'Alan M.' } }, 'application/merge-patch+json')
    expect(merged).toMatchObject({ status: 200, body: { apiVersion: `${group}/v2`, spec: { name: 'Alan M.' } } })
    expect((await send('GET', at(group, 'v1', '/alan'))).body.spec).toMatchObject({ first: 'Alan', last: 'M.' })
    const { body: seen } = await send('GET', at(group, 'v2', '/alan'))
    expect((await send('PUT', at(group, 'v2', '/alan'), { ...seen, spec: { name: 'A T' } })).body.spec).toMatchObject({ name: 'A T' })
    const status = await send('PATCH', at(group, 'v2', '/alan/status'), { status: { ready: 'yes' } }, 'application/merge-patch+json')
    expect(status.body).toMatchObject({ apiVersion: `${group}/v2`, status: { ready: 'yes' }, spec: { name: 'A T' } })
    const scale = await send('PATCH', at(group, 'v2', '/alan/scale'), { spec: { replicas: 4 } }, 'application/merge-patch+json')
    expect(scale).toMatchObject({ status: 200, body: { kind: 'Scale', spec: { replicas: 4 } } })
    expect((await send('GET', at(group, 'v1', '/alan'))).body.spec).toEqual({ first: 'A', last: 'T', replicas: 4 })
    expect(await send('DELETE', at(group, 'v2', '/alan'))).toMatchObject({ status: 200 })
  })

  test('applies in one version over another, and managed fields keep their versions', async () => {
    const path = at(group, 'v2', '/applied?fieldManager=one&force=true')
    const applied = await send('PATCH', path, person(group, 'v2', 'applied', { name: 'Grace Hopper' }), 'application/apply-patch+yaml')
    expect(applied).toMatchObject({ status: 201, body: { spec: { name: 'Grace Hopper' } } })
    const older = at(group, 'v1', '/applied?fieldManager=two')
    const refused = await send('PATCH', older, person(group, 'v1', 'applied', { first: 'Gracia' }), 'application/apply-patch+yaml')
    expect(refused.status).toBe(409)
    expect(refused.body.message).toBe('Apply failed with 1 conflict: conflict with "one": .spec.name')
    const again = await send('PATCH', path, person(group, 'v2', 'applied', { name: 'Grace B' }), 'application/apply-patch+yaml')
    expect(again.body.spec.name).toBe('Grace B')
    expect(again.body.metadata.managedFields.map(({ manager, apiVersion }: Any) => [manager, apiVersion])).toEqual([['one', `${group}/v2`]])
  })

  test('watches tell what the webhook made', async () => {
    const { resourceVersion } = (await send('GET', at(group, 'v2'))).body.metadata
    const watching = (more: string) =>
      hook.api.raw('GET', at(group, 'v2', `?watch=true&timeoutSeconds=1&resourceVersion=${resourceVersion}${more}`))
    const [chosen, all] = [watching('&fieldSelector=spec.name%3DA%20B'), watching('')]
    await send('POST', at(group, 'v1'), person(group, 'v1', 'watched', { first: 'A', last: 'B' }))
    await send('PATCH', at(group, 'v1', '/watched'), { spec: { last: 'C' } }, 'application/merge-patch+json')
    await send('PATCH', at(group, 'v1', '/watched'), { spec: { last: 'B' } }, 'application/merge-patch+json')
    await send('DELETE', at(group, 'v1', '/watched'))
    const shown = async (answer: ReturnType<typeof watching>) =>
      (await answer).text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map(({ type, object }) => [type, object.apiVersion, object.spec.name])
    expect((await shown(all)).map(([type, , name]) => `${type} ${name}`)).toEqual([
      'ADDED A B',
      'MODIFIED A C',
      'MODIFIED A B',
      'DELETED A B',
    ])
    expect(await shown(chosen)).toEqual([
      ['ADDED', `${group}/v2`, 'A B'],
      ['DELETED', `${group}/v2`, 'A B'],
      ['ADDED', `${group}/v2`, 'A B'],
      ['DELETED', `${group}/v2`, 'A B'],
    ])
  })
})
