import { expect, test } from 'vitest'
import { descriptionsIn } from './descriptions.ts'

test('what types of removed versions are for is told by those that came after them', () => {
  const types = {
    'io.k8s.api.networking.v1.IngressSpec': [0, 'rules', 1],
    'io.k8s.api.autoscaling.v2.MetricSpec': [2],
    'io.k8s.api.autoscaling.v2beta2.MetricSpec': [3],
  }
  const { type, field } = descriptionsIn({ texts: ['a spec', 'its rules', 'a metric', 'an own text'], types })
  expect([type('io.k8s.api.extensions.v1beta1.IngressSpec'), field('io.k8s.api.networking.v1beta1.IngressSpec', 'rules')]).toEqual([
    'a spec',
    'its rules',
  ])
  expect(['v2beta1', 'v2beta2'].map((version) => type(`io.k8s.api.autoscaling.${version}.MetricSpec`))).toEqual(['a metric', 'an own text'])
  expect(field('io.k8s.api.extensions.v1beta1.IngressSpec', 'backend')).toBe('')
})
