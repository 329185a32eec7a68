import type { Container } from '@skiff/api'
import { expect, test } from 'vitest'
import { podOf } from '../testing/objects.ts'
import { podAmounts } from './requests.ts'

const asking = (name: string, cpu: string, extra: Partial<Container> = {}): Container => ({
  name,
  resources: { requests: { cpu } },
  ...extra,
})
const sidecar = { restartPolicy: 'Always' }
const cpuMilli = (spec: Parameters<typeof podOf>[1]) => podAmounts(podOf('p', spec)).get('cpu')

test.each([
  ['containers add up', { containers: [asking('a', '1'), asking('b', '500m')] }, 1500],
  [
    'the largest init container counts when it needs more',
    { initContainers: [asking('i', '3'), asking('j', '1')], containers: [asking('a', '1')] },
    3000,
  ],
  ['sidecars add to containers', { initContainers: [asking('s', '1', sidecar)], containers: [asking('a', '1')] }, 2000],
  [
    'an init container runs beside the sidecars before it',
    { initContainers: [asking('s', '1', sidecar), asking('i', '2')], containers: [asking('a', '1')] },
    3000,
  ],
  [
    'but not beside those after it',
    { initContainers: [asking('i', '2'), asking('s', '1', sidecar)], containers: [asking('a', '500m')] },
    2000,
  ],
  ['overhead comes on top', { containers: [asking('a', '1')], overhead: { cpu: '250m' } }, 1250],
  ['resources of the pod replace the sum', { containers: [asking('a', '1')], resources: { requests: { cpu: '4' } } }, 4000],
])('%s', (_name, spec, milli) => {
  expect(cpuMilli({ spec })).toBe(milli)
})

test('while a container shrinks, the larger amount counts', () => {
  const pod = podOf('p', { requests: { cpu: '1' } })
  const granted = { name: 'main', ready: true, restartCount: 0, image: '', imageID: '', resources: { requests: { cpu: '2' } } }
  expect(podAmounts({ ...pod, status: { containerStatuses: [granted] } }).get('cpu')).toBe(2000)
})
