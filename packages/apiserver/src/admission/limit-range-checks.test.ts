import type { LimitRange, Pod } from '@skiff/api'
import { expect, test } from 'vitest'
import { podComplaints } from './limit-range-checks.ts'

const range = (...limits: object[]) => ({ metadata: { name: 'r' }, spec: { limits } }) as unknown as LimitRange
const pod = (requests: object, limits: object) =>
  ({ metadata: { name: 'p' }, spec: { containers: [{ name: 'c', resources: { requests, limits } }] } }) as unknown as Pod

test.each<[string, LimitRange, Pod, string[]]>([
  ['fits', range({ type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' } }), pod({ cpu: '100m' }, { cpu: '1' }), []],
  [
    'too little',
    range({ type: 'Container', min: { cpu: '100m' } }),
    pod({ cpu: '50m' }, {}),
    ['minimum cpu usage per Container is 100m, but request is 50m'],
  ],
  ['silent', range({ type: 'Pod', max: { cpu: '1' } }), pod({}, {}), ['maximum cpu usage per Pod is 1.  No limit is specified']],
  [
    'too much',
    range({ type: 'Pod', max: { cpu: '1' } }),
    pod({ cpu: '1' }, { cpu: '2' }),
    ['maximum cpu usage per Pod is 1, but limit is 2'],
  ],
  [
    'ratio',
    range({ type: 'Container', maxLimitRequestRatio: { cpu: '2' } }),
    pod({ cpu: '1' }, { cpu: '3' }),
    ['cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000'],
  ],
  [
    'one container of two speaks, and a sidecar beside them',
    range({ type: 'Pod', max: { cpu: '1' } }),
    {
      metadata: { name: 'p' },
      spec: {
        initContainers: [{ name: 's', restartPolicy: 'Always', resources: { limits: { cpu: '600m' } } }],
        containers: [{ name: 'a', resources: { limits: { cpu: '500m' } } }, { name: 'b' }],
      },
    } as unknown as Pod,
    ['maximum cpu usage per Pod is 1, but limit is 1100m'],
  ],
])('%s', (_name, limits, one, expected) => {
  expect(podComplaints(limits, one)).toEqual(expected)
})
