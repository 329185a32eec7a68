import { expect, test } from 'vitest'
import { packer, unpacker } from './records.ts'

test('records come back as they were packed, from a buffer that had to grow', () => {
  const records = packer(new ArrayBuffer(16))
  const large = new Uint8Array(10_000).fill(3)
  const given: Parameters<ReturnType<typeof packer>['add']>[] = [
    ['', 1, 1, 0, null, null],
    ['ключ/\u{1f600}', 2 ** 40, 5, 2 ** 39, new Uint8Array(0), null],
    ['k', 3, 3, 1, large, new Uint8Array([1, 2])],
    ['gone', 4, 2, 3, null, large],
  ]
  for (const record of given) records.add(...record)
  const packed = records.copy()
  expect(records.count).toBe(0)
  expect(packed.bytes.byteLength).toBe(packed.length)
  const found = unpacker(packed)
  for (const [key, revision, created, previous, value, previousValue] of given) {
    expect(found.next()).toBe(true)
    expect([found.key(), found.revision(), found.created(), found.previous()]).toEqual([key, revision, created, previous])
    expect(found.value()).toEqual(value)
    expect(found.previousValue()).toEqual(previousValue)
  }
  expect(found.next()).toBe(false)
})
