import { typeFaults } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { typedOfSchema } from './typed.ts'

const text = { type: 'string' }
const schema = {
  type: 'object',
  properties: {
    port: { 'x-kubernetes-int-or-string': true },
    closed: { type: 'object', properties: { a: text } },
    bare: { type: 'object' },
    open: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { within: { type: 'object', properties: { a: text } } },
    },
    embedded: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object', properties: { a: text } } } },
  },
}

test.each([
  [{ port: 1, bare: { x: 1 } }, []],
  [{ port: { a: 1 } }, []],
  [{ closed: { b: 1 } }, ['.closed.b: field not declared in schema']],
  [{ open: { x: 1, within: { y: 1 } } }, []],
  [{ open: { within: { a: 1 } } }, ['.open.within.a: expected string, got &value.valueUnstructured{Value:1}']],
  [{ embedded: { apiVersion: 'v1', kind: 'K', metadata: { labels: { a: 'b' } }, spec: { a: 'x' } } }, []],
  [{ embedded: { metadata: { foo: 1 } } }, ['.embedded.metadata.foo: field not declared in schema']],
  [{ embedded: { more: 1 } }, ['.embedded.more: field not declared in schema']],
])('%j as a configuration', (value, faults) => expect(typeFaults(typedOfSchema(schema, true), value)).toEqual(faults))
