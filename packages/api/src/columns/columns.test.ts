import type { KubeObject } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { columnsOf, kindsWithColumns } from './columns.ts'
import { customColumns } from './custom.ts'

const nowMs = Date.parse('2024-01-01T01:00:00Z')
const metadata = { name: 'x', creationTimestamp: '2024-01-01T00:00:00Z' }

const row = (group: string, kind: string, object: object): Record<string, unknown> =>
  Object.fromEntries(
    columnsOf(group, kind).map((column) => [column.name, column.cell({ metadata, ...object } as unknown as KubeObject, nowMs)]),
  )

test('every kind of the facts has a cell for every column, and shows an object with nothing but a spec', () => {
  for (const key of kindsWithColumns()) {
    const at = key.lastIndexOf('/')
    const shown = row(at < 0 ? '' : key.slice(0, at), key.slice(at + 1), { spec: {}, roleRef: {} })
    for (const [name, cell] of Object.entries(shown)) {
      expect(cell, `${key} ${name}`).toBeDefined()
      expect(String(cell), `${key} ${name}`).not.toMatch(/undefined|NaN|\[object/)
    }
  }
})

const container = (name: string) => ({ name })
const status = (name: string, state: object, more: object = {}) => ({ name, state, ready: false, restartCount: 0, ...more })
test.each([
  ['pending', {}, { phase: 'Pending' }, '0/1', 'Pending', '0'],
  [
    'running',
    {},
    { phase: 'Running', containerStatuses: [status('c', { running: {} }, { ready: true, restartCount: 0 })] },
    '1/1',
    'Running',
    '0',
  ],
  [
    'restarted',
    {},
    {
      phase: 'Running',
      containerStatuses: [
        status(
          'c',
          { waiting: { reason: 'CrashLoopBackOff' } },
          { restartCount: 4, lastState: { terminated: { finishedAt: '2024-01-01T00:57:00Z' } } },
        ),
      ],
    },
    '0/1',
    'CrashLoopBackOff',
    '4 (3m ago)',
  ],
  [
    'signal',
    {},
    { phase: 'Failed', containerStatuses: [status('c', { terminated: { signal: 9, exitCode: 137 } })] },
    '0/1',
    'Signal:9',
    '0',
  ],
  [
    'second init container runs',
    { initContainers: [container('a'), container('b')] },
    { phase: 'Pending', initContainerStatuses: [status('a', { terminated: { exitCode: 0 } }), status('b', { running: {} })] },
    '0/1',
    'Init:1/2',
    '0',
  ],
  [
    'init container fails',
    { initContainers: [container('a')] },
    { phase: 'Pending', initContainerStatuses: [status('a', { terminated: { exitCode: 3 } }, { restartCount: 2 })] },
    '0/1',
    'Init:ExitCode:3',
    '2',
  ],
  [
    'a sidecar counts',
    { initContainers: [{ name: 's', restartPolicy: 'Always' }] },
    {
      phase: 'Running',
      initContainerStatuses: [status('s', { running: {} }, { started: true, ready: true, restartCount: 1 })],
      containerStatuses: [status('c', { running: {} }, { ready: true })],
    },
    '2/2',
    'Running',
    '1',
  ],
  [
    'gated',
    {},
    { phase: 'Pending', conditions: [{ type: 'PodScheduled', reason: 'SchedulingGated', status: 'False' }] },
    '0/1',
    'SchedulingGated',
    '0',
  ],
])('a pod that is %s', (_title, spec, state, ready, text, restarts) => {
  const shown = row('', 'Pod', { spec: { containers: [container('c')], ...spec }, status: state })
  expect([shown.Ready, shown.Status, shown.Restarts, shown.Age]).toEqual([ready, text, restarts, '60m'])
})

test('a pod that is going', () => {
  const going = { ...metadata, deletionTimestamp: '2024-01-01T00:00:00Z' }
  expect(row('', 'Pod', { metadata: going, spec: {}, status: { phase: 'Running' } }).Status).toBe('Terminating')
  expect(row('', 'Pod', { metadata: going, spec: {}, status: { phase: 'Succeeded' } }).Status).toBe('Succeeded')
  expect(row('', 'Pod', { metadata: going, spec: {}, status: { phase: 'Running', reason: 'NodeLost' } }).Status).toBe('Unknown')
})

test('columns of other kinds', () => {
  const node = row('', 'Node', {
    metadata: { ...metadata, labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' } },
    spec: { unschedulable: true },
    status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] },
  })
  expect(node).toMatchObject({ Status: 'Ready,SchedulingDisabled', Roles: 'control-plane,worker', 'Internal-IP': '10.0.0.1' })
  const service = row('', 'Service', {
    spec: {
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.9'],
      ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }],
      selector: { b: '2', a: '1' },
    },
  })
  expect(service).toMatchObject({ 'External-IP': '<pending>', 'Port(s)': '80:30080/TCP', Selector: 'a=1,b=2', 'Cluster-IP': '10.96.0.9' })
  const deployment = row('apps', 'Deployment', {
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'x' } },
      template: {
        spec: {
          containers: [
            { name: 'a', image: 'i' },
            { name: 'b', image: 'j' },
          ],
        },
      },
    },
    status: { readyReplicas: 1 },
  })
  expect(deployment).toMatchObject({ Ready: '1/3', 'Up-to-date': 0, Containers: 'a,b', Images: 'i,j', Selector: 'app=x' })
  const autoscaler = row('autoscaling', 'HorizontalPodAutoscaler', {
    spec: { maxReplicas: 4, scaleTargetRef: { kind: 'Deployment', name: 'web' }, targetCPUUtilizationPercentage: 80 },
  })
  expect(autoscaler).toMatchObject({ Reference: 'Deployment/web', Targets: 'cpu: <unknown>/80%', MinPods: '<unset>', MaxPods: 4 })
  expect(row('rbac.authorization.k8s.io', 'RoleBinding', { roleRef: { kind: 'Role', name: 'r' } }).Role).toBe('Role/r')
  expect(row('admissionregistration.k8s.io', 'ValidatingAdmissionPolicy', { spec: {} }).ParamKind).toBe('<unset>')
  expect(row('', 'ConfigMap', { data: { a: '1' }, binaryData: { b: '' } }).Data).toBe(2)
})

test('columns that a definition lists, with values of the wrong type', () => {
  const columns = customColumns([
    { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
    { name: 'When', type: 'date', jsonPath: '.spec.when' },
    { name: 'Map', type: 'string', jsonPath: '.spec.map' },
    { name: 'Gone', type: 'string', jsonPath: '.spec.gone' },
  ])
  const cellsOf = (spec: object) => columns.map((each) => each.cell({ metadata, spec } as unknown as KubeObject, nowMs))
  expect(cellsOf({ size: 3, when: '2024-01-01T00:00:00Z', map: { a: 1 } })).toEqual(['x', 3, '60m', '{"a":1}', null])
  expect(cellsOf({ size: 'big', when: 'noon' })).toEqual(['x', null, '<invalid>', null, null])
  expect(customColumns(undefined).map((each) => each.name)).toEqual(['Name', 'Age'])
})
