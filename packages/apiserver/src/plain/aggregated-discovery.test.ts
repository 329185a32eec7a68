import { expect, test } from 'vitest'
import { aggregatedVersion } from './aggregated-discovery.ts'

const asked = (version: string, type = 'application/json') => `${type};g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`

test.each([
  ['', undefined],
  ['*/*', undefined],
  ['application/json', undefined],
  [`${asked('v2')},${asked('v2beta1')},application/json`, 'v2'],
  [`${asked('v2beta1')},application/json`, undefined],
  [`${asked('v9')},application/json`, undefined],
  [`${asked('v9')}, ${asked('v2')}`, 'v2'],
  [`application/json,${asked('v2')}`, undefined],
  [`${asked('v2', 'application/vnd.kubernetes.protobuf')},${asked('v2')}`, 'v2'],
])('Accept: %s', (accept, version) => expect(aggregatedVersion(accept)).toBe(version))

test('v2beta1 is served where its gate lets it', () => {
  expect(aggregatedVersion(`${asked('v2beta1')},application/json`, true)).toBe('v2beta1')
})
