import { decodeMessage, type Message, writeWatchFrame } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { typeFacts } from './facts.ts'
import { encodeProtobuf, messageOfType } from './protobuf.ts'
import { type Choice, everyField } from './testing/every-field.ts'
import { enveloped, message, watchFrame } from './testing/wire.ts'
import { transcode } from './transcode.ts'

// Every registered kind of the facts, those that are served nowhere included: their bytes, worked out a second time from the numbers.

interface Registered {
  readonly gvk?: readonly { readonly group: string; readonly version: string; readonly kind: string }[]
  readonly fields?: Readonly<Record<string, { readonly proto?: unknown }>>
}
const kinds = Object.entries(typeFacts as Readonly<Record<string, Registered>>).flatMap(([name, { gvk, fields }]) =>
  gvk?.[0] && Object.values(fields ?? {}).some(({ proto }) => proto !== undefined) ? [[name, gvk[0]] as const] : [],
)
const choices: readonly Choice[] = ['ordinary', 'zero', 'edge']

const firstDifference = (a: Buffer, b: Buffer): string => {
  if (a.equals(b)) return ''
  let at = 0
  while (a[at] === b[at]) at++
  return `at ${at}: ${a.subarray(Math.max(0, at - 24), at + 16).toString('latin1')} is ${b.subarray(Math.max(0, at - 24), at + 16).toString('latin1')}`
}

test('there are as many kinds as 1.33 has', () => expect(kinds.length).toBeGreaterThan(250))

test.each(kinds)('the bytes of every field of %s', (name) => {
  const form = messageOfType(name) as Message
  expect(firstDifference(encodeProtobuf(form, {}), message(name, {}))).toBe('')
  for (const choice of choices) {
    const object = JSON.parse(JSON.stringify(everyField(name, choice))) as Record<string, unknown>
    const bytes = encodeProtobuf(form, object)
    expect(firstDifference(bytes, message(name, object)), choice).toBe('')
    expect(firstDifference(encodeProtobuf(form, decodeMessage(form, bytes)), bytes), choice).toBe('')
  }
})

test.each(kinds.filter(([, { kind, version }]) => version !== '__internal' && !/Options$|^WatchEvent$/.test(kind)))(
  'the envelope around %s',
  (name, { group, version, kind }) => {
    const apiVersion = group === '' ? version : `${group}/${version}`
    const raw = message(name, everyField(name, 'ordinary'))
    const bytes = enveloped(apiVersion, kind, raw)
    expect(firstDifference(transcode(bytes, 'protobuf', 'protobuf'), bytes)).toBe('')
    expect(firstDifference(writeWatchFrame('ADDED', bytes), watchFrame('ADDED', bytes))).toBe('')
  },
)

test('the samples hold every field that any kind reaches', () => {
  const seen = new Set<string>()
  const note = (typeName: string, value: unknown): void => {
    for (const [field, facts] of Object.entries(typeFacts[typeName]?.fields ?? {})) {
      const own = (value as Record<string, unknown>)[field]
      if (own === undefined) continue
      seen.add(`${typeName}#${field}`)
      const ref = facts.ref ?? facts.items?.ref ?? facts.values?.ref
      const inner = facts.type === 'array' ? (own as unknown[])[0] : facts.type === 'map' ? Object.values(own as object)[0] : own
      if (ref && typeFacts[ref]?.fields) note(ref, inner)
    }
  }
  for (const [name] of kinds) note(name, everyField(name, 'ordinary'))
  const reached = new Set([...seen].map((each) => each.slice(0, each.indexOf('#'))))
  const unseen = [...reached].flatMap((typeName) =>
    Object.entries(typeFacts[typeName]?.fields ?? {})
      .filter(([field, facts]) => facts.proto !== undefined && !seen.has(`${typeName}#${field}`))
      .map(([field]) => `${typeName}#${field}`),
  )
  expect(unseen).toEqual([])
  expect(seen.size).toBeGreaterThan(2_500)
})
