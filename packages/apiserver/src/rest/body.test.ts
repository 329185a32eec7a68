import { buildBuiltins, type Kind } from '@skiff/api'
import { expect, test } from 'vitest'
import { decodeBody, decodeRaw } from './body.ts'

const { kinds } = buildBuiltins()
const kind = (plural: string) => kinds.find((each) => each.plural === plural && each.version === 'v1') as Kind

test.each([
  [
    { apiVersion: 'v1', kind: 'Secret' },
    'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
  ],
  [
    { apiVersion: 'v2', kind: 'ConfigMap' },
    'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"',
  ],
  [
    { apiVersion: 7 },
    "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .apiVersion of type string",
  ],
  [
    { data: 1 },
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type map[string]string',
  ],
])('%j is no ConfigMap', (value, message) => {
  expect(() => decodeRaw(kind('configmaps'), { value, duplicates: [] }, 'Warn', [])).toThrow(message)
})

test('an object of another version of its kind is told which was expected', () => {
  expect(() =>
    decodeRaw(
      kind('horizontalpodautoscalers'),
      { value: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' }, duplicates: [] },
      'Warn',
      [],
    ),
  ).toThrow('the API version in the data (autoscaling/v2) does not match the expected API version (autoscaling/v1)')
})

const unrecognized = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error:"
test.each([
  ['', `${unrecognized} unexpected end of JSON input (<empty>)`],
  ['{', `${unrecognized} unexpected end of JSON input ({)`],
  [
    '{"metadata":{"name":"a long name"}}{',
    `${unrecognized} invalid character '{' after top-level value ({"metadata":{"name":"a long na ...)`,
  ],
  [
    '[]',
    `${unrecognized} json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b5d)`,
  ],
])('the body %s is refused and shown', (text, message) => {
  const body = { bytes: Buffer.from(text), contentType: 'application/json' }
  expect(() => decodeBody(kind('configmaps'), body, 'Warn', [])).toThrow(message)
})

test('null is an object with nothing in it', () => {
  const body = { bytes: Buffer.from('null'), contentType: 'application/json' }
  expect(decodeBody(kind('configmaps'), body, 'Warn', [])).toEqual({ metadata: {} })
})
