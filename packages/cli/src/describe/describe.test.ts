import { readFileSync } from 'node:fs'
import { type JsonObject, notFound, parseFieldSelector, parseLabelSelector, splitApiVersion } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { type Dynamic, mapAt, textAt } from '../objects/fields.ts'
import { describerOf } from './describers.ts'
import { printLines } from './lines.ts'
import type { Look } from './look.ts'

// objects.jsonl is what a server held, texts.txt what kubectl 1.33 said of it then, in UTC.
process.env.TZ = 'UTC'

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
const objects = fixture('objects.jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Dynamic)

interface Told {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly nowMs: number
  readonly text: string
}

const told = fixture('texts.txt')
  .split(/^=== /m)
  .slice(1)
  .map((part): Told => {
    const end = part.indexOf('\n')
    const [apiVersion = '', kind = '', name = '', nowMs = ''] = part.slice(0, end).split(' ')
    return { apiVersion, kind, name, nowMs: Number(nowMs), text: part.slice(end + 1) }
  })

const look = (nowMs: number): Look => {
  const fits = (object: Dynamic, namespace: string, query: Readonly<Record<string, unknown>> = {}): boolean =>
    (namespace === '' || object.metadata.namespace === namespace) &&
    parseLabelSelector(String(query.labelSelector ?? '')).matches(object.metadata.labels ?? {}) &&
    parseFieldSelector(String(query.fieldSelector ?? '')).matches((field) => textAt(object, field))
  const list: Look['list'] = async ({ kind }, namespace, query) =>
    objects.filter((object) => object.kind === kind && fits(object, namespace, query as Readonly<Record<string, unknown>>))
  return {
    nowMs,
    list,
    get: async ({ kind, group, plural }, name, namespace = '') => {
      const found = objects.find((object) => object.kind === kind && object.metadata.name === name && fits(object, namespace))
      if (!found) throw notFound({ group, resource: plural }, name)
      return found
    },
    events: async ({ name, namespace, kind, uid }) => {
      const about = (object: JsonObject): boolean =>
        textAt(object, 'name') === name &&
        textAt(object, 'namespace') === namespace &&
        textAt(object, 'uid') === uid &&
        (!kind || object.kind === kind)
      return objects.filter((object) => object.kind === 'Event' && about(mapAt(object, 'involvedObject')))
    },
  }
}

test('the fixture holds every kind that has a description of its own', () => {
  expect(new Set(told.map(({ kind }) => kind)).size).toBeGreaterThan(28)
})

test.each(told)('$kind $name', async ({ apiVersion, kind, name, nowMs, text }) => {
  const object = objects.find((each) => each.kind === kind && each.metadata.name === name) as Dynamic
  const lines = await describerOf({ kind, group: splitApiVersion(apiVersion).group })(object, look(nowMs))
  expect(printLines(lines)).toBe(text)
})
