import { expect, test } from 'vitest'
import { formOf, formOrNone, type Offer } from './accept.ts'

const builtin: Offer = { of: 'builtin', cbor: false }
const show = (accept: string, offer: Offer = builtin): string => {
  const form = formOrNone(accept, offer)
  return form ? `${form.encoding} ${form.as}${form.as === 'object' ? '' : ` ${form.version}`}${form.pretty ? ' pretty' : ''}` : '406'
}
const table = 'as=Table;v=v1;g=meta.k8s.io'

test.each([
  ['application/yaml', 'yaml object'],
  ['text/html,*/*;q=0.8', 'json object'],
  ['application/json;q=0.1,application/yaml;q=0.9', 'yaml object'],
  ['application/yaml;q=0.5,*/*;q=1', 'json object'],
  // A wildcard gives way to what is more particular behind it.
  ['*/*;q=1,application/yaml;q=0.5', 'yaml object'],
  ['application/json;q=0', 'json object'],
  ['application/yaml;q=x,application/json;q=0.1', 'json object'],
  ['Application/JSON', '406'],
  ['text/html', '406'],
  // The route does not know these two.
  ['application/*', '406'],
  ['*', '406'],
  [`application/json;${table}, application/json`, 'json Table v1'],
  ['application/json;as=Table;v=v9;g=meta.k8s.io,application/json', 'json object'],
  ['application/json;as=Table;v=v9;g=meta.k8s.io', '406'],
  ['application/json;as=Table;v=v1beta1;g=meta.k8s.io', 'json Table v1beta1'],
  [`application/vnd.kubernetes.protobuf;${table}`, '406'],
  [`application/vnd.kubernetes.protobuf;${table},application/yaml;${table}`, 'yaml Table v1'],
  ['application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'protobuf PartialObjectMetadata v1'],
  ['*/*;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'json PartialObjectMetadata v1'],
  ['application/json;pretty=1', 'json object pretty'],
  ['application/json;pretty=true', 'json object'],
  ['application/json;stream=watch', 'json object'],
  ['application/json;stream=other', '406'],
  ['application/yaml;stream=watch', '406'],
  ['application/json;sv=v2', '406'],
  ['application/json;sv=v1;charset=utf-8', 'json object'],
  ['application/cbor', '406'],
])('%s: %s', (accept, expected) => {
  expect(show(accept)).toBe(expected)
})

test.each<[string, Offer, string]>([
  ['application/vnd.kubernetes.protobuf', { of: 'custom', cbor: false }, '406'],
  ['application/*', { of: 'custom', cbor: false }, 'json object'],
  ['application/vnd.kubernetes.protobuf', { of: 'plain', cbor: false }, 'protobuf object'],
  [`application/json;${table}`, { of: 'plain', cbor: false }, '406'],
  ['application/cbor', { of: 'builtin', cbor: true }, 'cbor object'],
  [`application/cbor;${table}`, { of: 'custom', cbor: true }, 'cbor Table v1'],
  ['application/cbor-seq', { of: 'builtin', cbor: true, many: true }, '406'],
])('%s of %j: %s', (accept, offer, expected) => {
  expect(show(accept, offer)).toBe(expected)
})

test('refusals name what there is, the route in its own words', () => {
  const said = (accept: string, offer: Offer): string => {
    try {
      return formOf(accept, offer).encoding
    } catch (error) {
      return (error as Error).message
    }
  }
  const three = 'application/json, application/yaml, application/vnd.kubernetes.protobuf'
  expect(said('text/html', builtin)).toBe(`406: Not Acceptable\n\nAvailable representations: ${three}`)
  expect(said('text/html', { ...builtin, many: true, cbor: true })).toBe(
    `406: Not Acceptable\n\nAvailable representations: ${three}, application/cbor, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch, application/cbor-seq`,
  )
  expect(said('text/html', { of: 'custom', cbor: false })).toBe(`only the following media types are accepted: ${three}`)
  expect(said('application/json;sv=v7', { ...builtin, cbor: true })).toBe(
    `only the following media types are accepted: ${three}, application/cbor`,
  )
})
