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

const resizing = (cpu: string, granted: object, more: object = {}) => {
  const status = { name: 'main', ready: true, restartCount: 0, image: '', imageID: '', ...granted }
  return podAmounts({ ...podOf('p', { requests: { cpu } }), status: { containerStatuses: [status], ...more } }).get('cpu')
}
const granting = (cpu: string) => ({ resources: { requests: { cpu } } })
test('while a container is resized, the largest of what is asked for, promised and granted counts', () => {
  expect(resizing('1', granting('2'))).toBe(2000)
  expect(resizing('3', granting('2'))).toBe(3000)
  expect(resizing('1', { ...granting('2'), allocatedResources: { cpu: '4' } })).toBe(4000)
  expect(resizing('1', { allocatedResources: { cpu: '4' } })).toBe(1000)
})
test('a resize that the node can never grant counts for nothing', () => {
  const infeasible = { conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }] }
  expect(resizing('9', granting('2'), infeasible)).toBe(2000)
})
test('sidecars are resized too', () => {
  const pod = podOf('p', { spec: { initContainers: [asking('s', '1', sidecar)], containers: [asking('a', '1')] } })
  const status = { name: 's', ready: true, restartCount: 0, image: '', imageID: '', ...granting('3') }
  expect(podAmounts({ ...pod, status: { initContainerStatuses: [status] } }).get('cpu')).toBe(4000)
})
