import type { Pod } from '@skiff/api'
import { expect, test } from 'vitest'
import type { AdmissionRequest } from './admission.ts'
import { defaultTolerationSeconds, type NodePatience } from './default-toleration-seconds.ts'

const tolerations = async (verb: 'create' | 'update', subresource?: string, patience?: NodePatience) => {
  const object = { metadata: {}, spec: { containers: [] } }
  const request = { kind: { group: '', plural: 'pods' }, verb, subresource, object } as unknown as AdmissionRequest
  const pod = (await defaultTolerationSeconds(patience).mutate?.(request)) as Pod | undefined
  return pod?.spec.tolerations?.map((each) => [each.key, each.tolerationSeconds])
}

test('a pod that is created or updated tolerates what comes over its node for a while', async () => {
  const both = [
    ['node.kubernetes.io/not-ready', 300],
    ['node.kubernetes.io/unreachable', 300],
  ]
  expect(await tolerations('create')).toEqual(both)
  expect(await tolerations('update')).toEqual(both)
  expect(await tolerations('update', 'status')).toBeUndefined()
  expect(await tolerations('create', undefined, { notReadySeconds: 0, unreachableSeconds: 5 })).toEqual([
    ['node.kubernetes.io/not-ready', 0],
    ['node.kubernetes.io/unreachable', 5],
  ])
})
