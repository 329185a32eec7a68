import { expect, test } from 'vitest'
import { seededRandom } from '../seeded.ts'
import { parseQuantity, type Quantity } from './parse.ts'
import { quantityText } from './print.ts'
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  milliValue,
  negateQuantity,
  quantityOf,
  quantityOfMilli,
  quantityValue,
  roundUpMilli,
  scaledValue,
  subtractQuantities,
} from './quantity.ts'

// Each pair was checked against apimachinery's own.
test.each([
  ['0', '0'],
  ['000', '0'],
  ['-0', '0'],
  ['.', '0'],
  ['1', '1'],
  ['1000', '1k'],
  ['1001', '1001'],
  ['0.5', '500m'],
  ['.5', '500m'],
  ['1.5', '1500m'],
  ['1.500', '1.500'],
  ['+5', '+5'],
  ['100000m', '100'],
  ['1500000u', '1500m'],
  ['1024Ki', '1Mi'],
  ['1024Mi', '1Gi'],
  ['1000Ki', '1000Ki'],
  ['1025Ki', '1025Ki'],
  ['1.5Gi', '1536Mi'],
  ['0.5Ki', '512'],
  ['0.0001Ki', '102400u'],
  ['1.1Ki', '1126400m'],
  ['1e3', '1e3'],
  ['1000e3', '1e6'],
  ['1E6', '1E6'],
  ['12e-1', '1200e-3'],
  ['1E', '1E'],
  ['7Ei', '7Ei'],
  ['8Ei', '9223372036854775807'],
  ['0.1n', '1n'],
  ['-0.1n', '-1n'],
  ['1e-1000', '1e-9'],
  ['-1024Mi', '-1Gi'],
  [' 1 ', '1'],
])('canonical form of %j is %j', (text, canonical) => {
  expect(quantityText(parseQuantity(text))).toBe(canonical)
  expect(canonicalQuantity(text)).toBe(canonical)
  expect(canonicalQuantity(text)).toBe(canonical)
})

const format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const suffix = "unable to parse quantity's suffix"
test.each([
  ['', format],
  ['aoeu', format],
  ['1..5', format],
  ['1.1.M', format],
  ['1Mb', format],
  ['1 Mi', format],
  ['__proto__', format],
  ['constructor', format],
  ['1mi', suffix],
  ['1i', suffix],
  ['1e', suffix],
  ['1ee1', suffix],
  ['1e1000000', suffix],
  ['1K', suffix],
  ['Ei', 'unable to parse numeric part of quantity'],
])('complaint about %j', (text, message) => {
  expect(() => parseQuantity(text)).toThrow(new Error(message))
  expect(() => canonicalQuantity(text)).toThrow(new Error(message))
})

test('arithmetic keeps the first format, unless it is zero', () => {
  expect(quantityText(addQuantities('100m', '1'))).toBe('1100m')
  expect(quantityText(addQuantities('1Gi', '1G'))).toBe('2073741824')
  expect(quantityText(addQuantities('0', '1Gi'))).toBe('1Gi')
  expect(quantityText(subtractQuantities('1Gi', '512Mi'))).toBe('512Mi')
  expect(quantityText(subtractQuantities('1', '1100m'))).toBe('-100m')
  expect(quantityText(negateQuantity('1Gi'))).toBe('-1Gi')
  expect(quantityText(quantityOf(2048, 'BinarySI'))).toBe('2Ki')
  expect(quantityText(quantityOfMilli(1500))).toBe('1500m')
  expect([compareQuantities('1000m', '1'), compareQuantities('1Gi', '1G'), compareQuantities('1m', '1')]).toEqual([0, 1, -1])
})

test('numbers are rounded away from zero', () => {
  expect([quantityValue('1m'), quantityValue('1.1'), quantityValue('-1.1'), quantityValue('1Gi')]).toEqual([1, 2, -2, 2 ** 30])
  expect([milliValue('100m'), milliValue('1'), milliValue('1u'), milliValue('0')]).toEqual([100, 1000, 1, 0])
  expect(scaledValue('9007199254740993', 0)).toBe(9007199254740993n)
  expect(quantityValue('1e30')).toBe(2 ** 63)
  expect([roundUpMilli('1u'), roundUpMilli('100m'), roundUpMilli('1.5'), roundUpMilli('1000500u')]).toEqual([
    '1m',
    '100m',
    '1500m',
    '1001m',
  ])
})

test('canonical text stands for the same number and is its own canonical text', () => {
  const random = seededRandom(3)
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] as string
  const suffixes = ['', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'P', 'E', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'e3', 'E-2', 'e+7']
  const digits = (most: number) => Array.from({ length: Math.ceil(random() * most) }, () => pick([...'0012589', '1024', '000'])).join('')
  const one = () => `${pick(['', '', '-', '+'])}${digits(6)}${random() < 0.4 ? `.${digits(4)}` : ''}${pick(suffixes)}`
  for (let round = 0; round < 5000; round++) {
    const [text, other] = [one(), one()]
    const quantity = parseQuantity(text)
    const canonical = canonicalQuantity(text)
    expect(canonical).toBe(quantityText(quantity))
    expect(compareQuantities(canonical, quantity)).toBe(0)
    expect(canonicalQuantity(canonical)).toBe(canonical)
    const sum: Quantity = addQuantities(quantity, other)
    expect(compareQuantities(subtractQuantities(sum, other), quantity)).toBe(0)
    // Reading caps binary forms at int64.
    if (Math.abs(quantityValue(sum)) < 2 ** 63) expect(compareQuantities(quantityText(sum), sum)).toBe(0)
  }
})
