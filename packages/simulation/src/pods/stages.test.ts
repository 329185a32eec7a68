import type { Pod } from '@skiff/api'
import { expect, test } from 'vitest'
import { behaviourOf } from './behaviour.ts'
import { builtinPodStages } from './stages.ts'

test('a pod that is deleted while a finalizer holds it ends first: its Job may wait for that', () => {
  const place = { hostIP: '10.0.0.1', podIP: '10.1.0.1' }
  const stages = builtinPodStages({ behaviour: (pod) => behaviourOf(pod, undefined), hostIP: () => place.hostIP, place: () => place })
  const pod = (status: Pod['status'], graceSeconds: number): Pod => ({
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      ...{ name: 'p', namespace: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: '2025-01-01T00:00:00Z' },
      ...{
        deletionTimestamp: '2025-01-01T00:00:01Z',
        deletionGracePeriodSeconds: graceSeconds,
        finalizers: ['batch.kubernetes.io/job-tracking'],
      },
    },
    spec: { containers: [{ name: 'main' }], nodeName: 'n' },
    ...(status ? { status } : {}),
  })
  const played = (one: Pod) => stages.filter((stage) => stage.matches(one)).map((stage) => stage.next(one, 0))
  for (const graceSeconds of [0, 30])
    expect(played(pod({ phase: 'Pending' }, graceSeconds))).toMatchObject([{ status: { status: { phase: 'Failed' } }, delete: true }])
  expect(played(pod({ phase: 'Failed' }, 30))).toEqual([{ delete: true }])
  expect(played(pod({ phase: 'Failed' }, 0))).toEqual([])
})
