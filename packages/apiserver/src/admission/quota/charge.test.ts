import { type Pod, podUsage, type ResourceQuota } from '@skiff/api'
import { expect, test } from 'vitest'
import { charged } from './charge.ts'
import { unsaidAmounts } from './unsaid-amounts.ts'

const quota = {
  metadata: { name: 'q' },
  spec: {},
  status: { hard: { pods: '2', cpu: '1' }, used: { pods: '1', cpu: '600m' } },
} as unknown as ResourceQuota
const pods = { group: '', resource: 'pods' }
const pod = (containers: object[], more: object = {}) => ({ metadata: { name: 'p' }, spec: { containers, ...more } }) as unknown as Pod

test('a charge adds to what is used and refuses what does not fit', () => {
  expect(charged(quota, { pods: '1', cpu: '400m', 'count/pods': '1' }, pods, 'p')?.status?.used).toEqual({ pods: '2', cpu: '1' })
  expect(charged(quota, { 'count/pods': '1' }, pods, 'p')).toBeUndefined()
  expect(() => charged(quota, { pods: '2', cpu: '500m' }, pods, 'p')).toThrow(
    'pods "p" is forbidden: exceeded quota: q, requested: cpu=500m,pods=2, used: cpu=600m,pods=1, limited: cpu=1,pods=2',
  )
})

test('giving back is never refused', () => {
  const full = { ...quota, status: { hard: { pods: '1' }, used: { pods: '3' } } } as unknown as ResourceQuota
  expect(charged(full, { pods: '-1' }, pods, 'p')?.status?.used).toEqual({ pods: '2' })
})

test('a pod counts sidecars beside its containers, and the most of its init containers', () => {
  const asking = (cpu: string, more: object = {}) => ({ name: cpu, resources: { requests: { cpu } }, ...more })
  const usage = podUsage(pod([asking('1'), asking('500m')], { initContainers: [asking('1', { restartPolicy: 'Always' }), asking('2')] }), 0)
  expect(usage).toEqual({ 'count/pods': '1', pods: '1', cpu: '3', 'requests.cpu': '3' })
})

test('what must be said names resource and containers', () => {
  const silent = pod([{ name: 'b' }, { name: 'a', resources: { limits: { memory: '1Gi' } } }])
  expect(unsaidAmounts(silent, ['pods', 'requests.cpu', 'limits.memory'])).toBe('must specify limits.memory for: b; requests.cpu for: a,b')
  expect(unsaidAmounts(silent, ['pods'])).toBe('')
})
