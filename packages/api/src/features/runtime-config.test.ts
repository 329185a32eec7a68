import { expect, test } from 'vitest'
import { resourceFacts } from '../facts.ts'
import { parseRuntimeConfig, resolveRuntimeConfig } from './runtime-config.ts'

const serves = (config: string, name: string): boolean => {
  const [group = '', version = '', plural = ''] = name.split('/')
  const facts = resourceFacts.find((each) => each.group === group && each.version === version && each.plural === plural)
  if (!facts) throw new Error(`no ${name} in the facts`)
  return resolveRuntimeConfig(parseRuntimeConfig(config), resourceFacts)(facts)
}

test.each([
  ['', 'apps/v1/deployments', true],
  ['', 'resource.k8s.io/v1beta2/resourceslices', false],
  ['api/beta=true', 'resource.k8s.io/v1beta2/resourceslices', true],
  ['api/beta=true', 'resource.k8s.io/v1alpha3/resourceslices', false],
  ['api/all=true', 'resource.k8s.io/v1alpha3/resourceslices', true],
  ['api/all=true,api/alpha=false', 'resource.k8s.io/v1alpha3/resourceslices', false],
  ['api/beta=true,resource.k8s.io/v1beta2=false', 'resource.k8s.io/v1beta2/resourceslices', false],
  ['resource.k8s.io/v1beta2=false,resource.k8s.io/v1beta2/resourceslices', 'resource.k8s.io/v1beta2/resourceslices', true],
  ['resource.k8s.io/v1beta2/resourceslices=t', 'resource.k8s.io/v1beta2/deviceclasses', false],
  ['api/ga=false', 'apps/v1/deployments', false],
  ['/v1=false', '/v1/pods', false],
  ['batch/v1/jobs=0', 'batch/v1/cronjobs', true],
])('%j: %s %s', (config, name, expected) => {
  expect(serves(config, name)).toBe(expected)
})

test.each([
  ['api/all=false', 'invalid key with only api/all=false'],
  ['api/beta=yes', 'invalid value api/beta=yes'],
  ['v1=true', 'runtime-config invalid key v1'],
  ['api/legacy=true', 'unknown api groups api'],
  ['nowhere/v1=true,/v1=true,elsewhere.io/v2=true', 'unknown api groups nowhere,elsewhere.io'],
  ['apps/v3=true', 'group version apps/v3 that has not been registered'],
  ['apps/v1=maybe', 'invalid value of apps/v1: maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax'],
  [
    'apps/v1/Deployments=true',
    'invalid key apps/v1/Deployments: group/version/resource and resource is always lowercase plural, not "Deployments"',
  ],
])('%s is refused', (config, message) => {
  expect(() => serves(config, 'apps/v1/deployments')).toThrow(new Error(message))
})
