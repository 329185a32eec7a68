import { expect, test } from 'vitest'
import { restMapping } from './rest-mapping.ts'

const nothing = restMapping({ resources: [] } as unknown as Parameters<typeof restMapping>[0])
const why = 'extensions/v1beta1 was removed in Kubernetes 1.22; a cluster made by `skiff up --legacy-apis` serves it'

test('a version that upstream removed is told how it can be had', () => {
  expect(() => nothing.kind('extensions/v1beta1', 'Ingress')).toThrow(
    `no matches for kind "Ingress" in version "extensions/v1beta1"\nensure CRDs are installed first\n${why}`,
  )
  expect(() => nothing.resource('ingresses.v1beta1.extensions')).toThrow(why)
  expect(() => nothing.kind('example.com/v1', 'Gadget')).toThrow(/installed first$/)
})
