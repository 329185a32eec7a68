import { buildBuiltins, type Kind, typedOfKind } from '@skiff/api'
import { compareFields, type Json, sameFields, seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { shapeOf } from './shape.ts'

const kind = buildBuiltins().kinds.find((each) => each.kind === 'Pod') as Kind
const held = (value: Json) => compareFields(typedOfKind(kind), { metadata: {} }, value).added

test('pods of one shape have the same fields, whatever differs', () => {
  const random = seededRandom(7)
  const pick = <T>(...choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T
  const pod = (): Json => ({
    metadata: { name: pick('a', 'b'), labels: pick<Json>({}, { app: pick('x', 'y') }, { app: 'x', tier: 'web' }) },
    spec: {
      hostname: pick<Json>(null, 'h', ''),
      nodeSelector: pick<Json>(null, {}, { disk: pick('ssd', 'hdd') }),
      containers: [
        {
          name: pick('c', 'd'),
          image: 'i',
          args: pick<Json>([], ['a'], ['a', 'b']),
          ports: pick<Json>(null, [{ containerPort: pick(80, 81), protocol: pick('TCP', 'UDP') }], [{ containerPort: 80 }]),
          env: pick<Json>([{ name: 'A', value: pick('1', '2') }], [{ name: 'B', valueFrom: { fieldRef: { fieldPath: 'x' } } }]),
        },
      ],
      tolerations: pick<Json>([{ operator: 'Exists' }], [{ key: 'a' }]),
    },
  })
  const byShape = new Map<string, Json>()
  let met = 0
  for (let round = 0; round < 3000; round++) {
    const one = pod()
    const shape = shapeOf(one) as string
    const other = byShape.get(shape)
    if (other === undefined) byShape.set(shape, one)
    else {
      met++
      expect(sameFields(held(one), held(other))).toBe(true)
    }
  }
  expect(met).toBeGreaterThan(500)
})

test('what could be confused is not', () => {
  expect(shapeOf({ a: '1', b: '2' })).toBe(shapeOf({ a: '3', b: '4' }))
  for (const [a, b] of [
    [{ 'a1:b': 's' }, { a: 's', b: 's' }],
    [{ l: [{ name: 'a' }] }, { l: [{ name: 'b' }] }],
    [{ l: ['1'] }, { l: [1] }],
    [{ l: ['a', 'b'] }, { l: ['ab'] }],
    [{ a: {} }, { a: [] }],
    [{ a: null }, { a: 'x' }],
  ] as const)
    expect(shapeOf(a)).not.toBe(shapeOf(b))
  expect(shapeOf({ l: ['x'.repeat(5000)] })).toBeUndefined()
})
