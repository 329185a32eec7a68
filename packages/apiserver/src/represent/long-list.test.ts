import { text } from 'node:stream/consumers'
import { dumpYaml, encodeJson } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { startTestServer } from '../testing/start.ts'
import { indentedJson } from './indented-json.ts'
import { atOnceObjects, streamList } from './long-list.ts'

const whole = { json: (value: unknown) => `${encodeJson(value)}\n`, indented: indentedJson, yaml: dumpYaml }
const objects = Array.from({ length: 300 }, (_, index) => ({
  metadata: { name: `o-${index}`, labels: { 'a<b': '&' } },
  data: { text: `"items":[]\nitems: []\n${'long '.repeat(40)}`, kept: 'two\n\n', none: '' },
  list: [[], {}, [1, { a: null }]],
}))

test.each(['json', 'indented', 'yaml'] as const)('a list that is written piece by piece is the same list: %s', async (encoding) => {
  const around = (items: readonly unknown[]) => ({ apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '7' } })
  const stream = streamList({ shell: around([]), field: 'items', from: objects, element: (one) => one, encoding }).stream
  expect(await text(stream)).toBe(whole[encoding](around(objects)))
})

test('long lists are told whole in each form', async () => {
  const server = await startTestServer()
  const path = '/api/v1/namespaces/default/configmaps'
  const count = atOnceObjects + 20
  for (let index = 0; index < count; index++)
    await server.raw('POST', path, JSON.stringify({ metadata: { name: `m-${index}` }, data: { a: 'b' } }))
  const page = async (query: string, accept: string) => {
    const answer = await server.raw('GET', `${path}?${query}`, undefined, { accept })
    expect(answer.status).toBe(200)
    return answer
  }
  const json = 'application/json'
  const plain = (await page('', json)).body
  expect((await page('pretty=true', json)).body).toEqual(plain)
  expect((await page('', 'application/yaml')).text).toBe(dumpYaml(plain))
  const table = (await page('', `${json};as=Table;g=meta.k8s.io;v=v1`)).body
  const few = (await page('limit=3', `${json};as=Table;g=meta.k8s.io;v=v1`)).body
  expect(table.columnDefinitions).toEqual(few.columnDefinitions)
  expect(table.rows).toHaveLength(plain.items.length)
  // Ages go on between two requests.
  const withoutAge = (row: { readonly cells: readonly unknown[] }) => ({ ...row, cells: row.cells.slice(0, -1) })
  expect(table.rows.slice(0, 3).map(withoutAge)).toEqual(few.rows.map(withoutAge))
  const metadata = (await page('', `${json};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`)).body
  expect(metadata.items.map((each: { metadata: unknown }) => each.metadata)).toEqual(
    plain.items.map((each: { metadata: unknown }) => each.metadata),
  )
  expect(metadata.metadata).toEqual(plain.metadata)
  await server.close()
})
