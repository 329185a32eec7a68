import { expect, test } from 'vitest'
import { convertResource } from './versions.ts'

const slice = (version: string, devices: readonly unknown[]) =>
  ({ apiVersion: `resource.k8s.io/${version}`, kind: 'ResourceSlice', metadata: { name: 's' }, spec: { driver: 'd', devices } }) as never

test('capacities of v1alpha3 are plain quantities', () => {
  const old = slice('v1alpha3', [{ name: 'd', basic: { capacity: { memory: '1Gi' } } }])
  const next = slice('v1beta2', [{ name: 'd', capacity: { memory: { value: '1Gi' } } }])
  expect(convertResource('resourceslices', old, 'v1alpha3', 'v1beta2')).toEqual(next)
  expect(convertResource('resourceslices', next, 'v1beta2', 'v1alpha3')).toEqual(old)
  expect(convertResource('resourceslices', old, 'v1alpha3', 'v1beta1')).toEqual(
    slice('v1beta1', [{ name: 'd', basic: { capacity: { memory: { value: '1Gi' } } } }]),
  )
})

test('a template holds its requests one deeper, and a request of alternatives has no class', () => {
  const template = (version: string, requests: readonly unknown[]) =>
    ({
      apiVersion: `resource.k8s.io/${version}`,
      kind: 'ResourceClaimTemplate',
      metadata: {},
      spec: { spec: { devices: { requests } } },
    }) as never
  const old = template('v1beta1', [
    { name: 'a', deviceClassName: 'x', count: 2 },
    { name: 'b', deviceClassName: '', firstAvailable: [{ name: 'c' }] },
  ])
  const next = convertResource('resourceclaimtemplates', old, 'v1beta1', 'v1beta2')
  expect(next).toMatchObject({
    spec: { spec: { devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'x', count: 2 } }, { name: 'b' }] } } },
  })
  expect(convertResource('resourceclaimtemplates', next, 'v1beta2', 'v1beta1')).toEqual(old)
})
