import { expect, test } from 'vitest'
import type { AdmissionRequest } from './admission.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'

const request = (verb: 'create' | 'update', subresource?: string) =>
  ({
    kind: { group: '', plural: 'pods' },
    verb,
    subresource,
    object: { metadata: {}, spec: { containers: [] } },
  }) as unknown as AdmissionRequest

const keys = async (asked: AdmissionRequest) =>
  ((await defaultTolerationSeconds.mutate?.(asked)) as { spec: { tolerations?: { key: string }[] } }).spec.tolerations?.map(
    (each) => each.key,
  )

test('a pod that is created or updated tolerates what comes over its node for a while', async () => {
  const both = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
  expect(await keys(request('create'))).toEqual(both)
  expect(await keys(request('update'))).toEqual(both)
  expect(await keys(request('update', 'status'))).toBeUndefined()
})
