import type { Pod } from '@skiff/api'
import { expect, test } from 'vitest'
import type { AdmissionRequest } from './admission.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'

const keys = async (verb: 'create' | 'update', subresource?: string) => {
  const object = { metadata: {}, spec: { containers: [] } }
  const request = { kind: { group: '', plural: 'pods' }, verb, subresource, object } as unknown as AdmissionRequest
  const pod = (await defaultTolerationSeconds.mutate?.(request)) as Pod | undefined
  return pod?.spec.tolerations?.map((each) => each.key)
}

test('a pod that is created or updated tolerates what comes over its node for a while', async () => {
  const both = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
  expect(await keys('create')).toEqual(both)
  expect(await keys('update')).toEqual(both)
  expect(await keys('update', 'status')).toBeUndefined()
})
