import { describe, expect, test } from 'vitest'
import { addressAt, chooseRanges, overlap, part } from './ranges.ts'

test('ranges overlap when one holds the other, and only then', () => {
  expect(overlap('10.0.0.0/8', '10.244.0.0/16')).toBe(true)
  expect(overlap('10.244.3.7', '10.244.0.0/16')).toBe(true)
  expect(overlap('10.243.0.0/16', '10.244.0.0/16')).toBe(false)
  expect(overlap('192.0.2.128/25', '192.0.2.0/25')).toBe(false)
  expect(overlap('0.0.0.0/0', '192.0.2.0/25')).toBe(true)
  expect(overlap('fd00::/8', '10.0.0.0/8')).toBe(false)
})

test('addresses and parts', () => {
  expect(addressAt('10.96.0.0/16', 10)).toBe('10.96.0.10')
  expect(addressAt('10.200.3.0/24', 255)).toBe('10.200.3.255')
  expect(part('10.244.0.0/16', 24, 2)).toBe('10.244.2.0/24')
  expect(part('10.244.0.0/16', 24, 256)).toBeUndefined()
})

describe('a choice of ranges', () => {
  test('the usual ones on an empty machine', () => {
    expect(chooseRanges(['192.0.2.0/24', '127.0.0.0/8'])).toEqual({
      pods: '10.244.0.0/16',
      services: '10.96.0.0/16',
      links: '10.200.0.0/24',
    })
  })
  test('others where the machine, or another cluster, is there already', () => {
    expect(chooseRanges(['10.244.0.0/24', '10.96.0.0/16', '10.200.0.1', '10.200.1.0/24'])).toEqual({
      pods: '10.245.0.0/16',
      services: '10.97.0.0/16',
      links: '10.200.2.0/24',
    })
  })
  test('outside of 10.0.0.0/8 where a VPN has it, inside of it when there is nothing else', () => {
    expect(chooseRanges(['10.0.0.0/8'])).toEqual({ pods: '172.30.0.0/16', services: '172.28.0.0/16', links: '172.26.0.0/24' })
    expect(chooseRanges(['10.0.0.0/8', '172.16.0.0/12', '10.244.0.0/16']).pods).toBe('10.245.0.0/16')
  })
  test('what the user names stays, and the others keep away from it', () => {
    expect(chooseRanges([], { pods: '10.96.0.0/12' })).toEqual({ pods: '10.96.0.0/12', services: '10.181.0.0/16', links: '10.200.0.0/24' })
    expect(() => chooseRanges([], { pods: '10.96.0.0/12', services: '10.96.0.0/16' })).toThrow('overlap')
    expect(() => chooseRanges([], { pods: 'fd00::/48' })).toThrow('is not a range')
    expect(() => chooseRanges([], { pods: '10.0.0.0/40' })).toThrow('is not a range')
  })
})
