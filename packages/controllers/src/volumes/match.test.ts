import type { PersistentVolume, PersistentVolumeClaim } from '@skiff/api'
import { describe, expect, test } from 'vitest'
import { bestVolume, whyUnfit } from './match.ts'

const claim = (spec: object = {}): PersistentVolumeClaim =>
  ({
    metadata: { namespace: 'a', name: 'data', uid: 'u1' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5Gi' } }, ...spec },
  }) as never
const volume = (name: string, spec: object = {}, metadata: object = {}, phase = 'Available'): PersistentVolume =>
  ({
    metadata: { name, ...metadata },
    spec: { capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
    status: { phase },
  }) as never
const size = (storage: string) => ({ capacity: { storage } })
const reserved = (more: object = {}) => ({ claimRef: { namespace: 'a', name: 'data', ...more } })

describe('the volume for a claim', () => {
  const chosen = (volumes: readonly PersistentVolume[], spec: object = {}, waits = false) =>
    bestVolume(claim(spec), volumes, waits)?.metadata.name

  test('is the smallest that is large enough', () => {
    expect(chosen([volume('small', size('4Gi')), volume('large', size('50Gi')), volume('right', size('6Gi'))])).toBe('right')
    expect(chosen([volume('small', size('5119Mi'))])).toBeUndefined()
  })
  test('has as few access modes more than wanted as can be, before it is small', () => {
    const many = volume('many', { ...size('5Gi'), accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] })
    expect(chosen([many, volume('exact', size('9Gi'))])).toBe('exact')
    expect(chosen([many, volume('other', { accessModes: ['ReadWriteMany'] })])).toBe('many')
  })
  test('has the same class, mode and labels', () => {
    const fast = volume('fast', { storageClassName: 'fast' })
    expect(chosen([fast])).toBeUndefined()
    expect(chosen([fast], { storageClassName: 'fast' })).toBe('fast')
    expect(chosen([volume('raw', { volumeMode: 'Block' })])).toBeUndefined()
    expect(chosen([volume('raw', { volumeMode: 'Block' })], { volumeMode: 'Block' })).toBe('raw')
    const selector = { matchLabels: { disk: 'b' } }
    expect(chosen([volume('a', {}, { labels: { disk: 'a' } }), volume('b', {}, { labels: { disk: 'b' } })], { selector })).toBe('b')
  })
  test('is available, and not on its way out', () => {
    expect(chosen([volume('new', {}, {}, 'Pending'), volume('used', {}, {}, 'Released')])).toBeUndefined()
    expect(chosen([volume('leaving', {}, { deletionTimestamp: '2025-01-01T00:00:00Z' })])).toBeUndefined()
  })
  test('is the one that is reserved for it, whatever its class, and none that is for another', () => {
    const mine = volume('mine', { ...reserved(), ...size('50Gi'), storageClassName: 'other' })
    expect(chosen([volume('free'), mine])).toBe('mine')
    expect(chosen([volume('older', reserved({ uid: 'u0' })), volume('other', reserved({ name: 'x' }))])).toBeUndefined()
  })
  test('is left to the scheduler where the claim waits for its consumer, if none is reserved', () => {
    expect(chosen([volume('free')], {}, true)).toBeUndefined()
    expect(chosen([volume('free'), volume('mine', reserved({ uid: 'u1' }))], {}, true)).toBe('mine')
  })
})

test.each([
  ['requested PV is too small', volume('v', size('1Gi'))],
  ['storageClassName does not match', volume('v', { storageClassName: 'x' })],
  ['incompatible volumeMode', volume('v', { volumeMode: 'Block' })],
  ['incompatible accessMode', volume('v', { accessModes: ['ReadOnlyMany'] })],
  ['the volume is marked for deletion "v"', volume('v', {}, { deletionTimestamp: '2025-01-01T00:00:00Z' })],
  [undefined, volume('v')],
])('a volume that the claim names: %s', (why, asked) => {
  expect(whyUnfit(asked, claim())).toBe(why)
})
