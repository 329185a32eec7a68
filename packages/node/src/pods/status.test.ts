import { expect, test } from 'vitest'
import { live, podOf } from './testing/life.ts'

test('a pod that runs: every field as upstream sets it', () => {
  const life = live(
    podOf({ containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }] }] }, { generation: 1 }),
  )
  life.sync()
  const transition = { lastTransitionTime: '2025-01-01T00:00:00Z' }
  expect(life.memory.status).toEqual({
    phase: 'Running',
    conditions: [
      { type: 'PodReadyToStartContainers', status: 'True', ...transition },
      { type: 'Initialized', status: 'True', ...transition },
      { type: 'Ready', status: 'True', ...transition },
      { type: 'ContainersReady', status: 'True', ...transition },
      { type: 'PodScheduled', status: 'True', ...transition },
    ],
    hostIP: '10.0.0.1',
    hostIPs: [{ ip: '10.0.0.1' }],
    podIP: '10.1.0.9',
    podIPs: [{ ip: '10.1.0.9' }],
    startTime: '2025-01-01T00:00:00Z',
    containerStatuses: [
      {
        name: 'c',
        state: { running: { startedAt: '2025-01-01T00:00:00Z' } },
        ready: true,
        started: true,
        restartCount: 0,
        image: 'i',
        imageID: 'sha256:1',
        containerID: 'r://c2',
        resources: {},
        volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true, recursiveReadOnly: 'Disabled' }],
      },
    ],
    qosClass: 'BestEffort',
  })
})

test('a crashing container waits with its last end beside it, and the conditions say which one is unready', () => {
  const life = live(podOf({}))
  life.sync()
  life.pass(5_000)
  life.exit('c', 1)
  life.sync()
  life.pass(1_000)
  life.exit('c', 2)
  life.sync()
  const status = life.memory.status
  expect(status?.containerStatuses?.[0]?.state).toEqual({
    waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container=c pod=p_default(u1)' },
  })
  expect(status?.containerStatuses?.[0]?.lastState).toEqual({
    terminated: {
      exitCode: 2,
      reason: 'Error',
      startedAt: '2025-01-01T00:00:05Z',
      finishedAt: '2025-01-01T00:00:06Z',
      containerID: 'r://c3',
    },
  })
  expect(status?.conditions?.find(({ type }) => type === 'Ready')).toEqual({
    type: 'Ready',
    status: 'False',
    reason: 'ContainersNotReady',
    message: 'containers with unready status: [c]',
    lastTransitionTime: '2025-01-01T00:00:06Z',
  })
})

test('a completed pod: PodCompleted, and its address is kept', () => {
  const life = live(podOf({ restartPolicy: 'Never' }))
  life.sync()
  life.exit('c', 0)
  life.sync()
  const status = life.memory.status
  expect(status).toMatchObject({ phase: 'Succeeded', podIP: '10.1.0.9' })
  expect(status?.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ['PodReadyToStartContainers', 'False', undefined],
    ['Initialized', 'True', 'PodCompleted'],
    ['Ready', 'False', 'PodCompleted'],
    ['ContainersReady', 'False', 'PodCompleted'],
    ['PodScheduled', 'True', undefined],
  ])
})

test('a terminal phase is told only when nothing runs any more, readiness at once', () => {
  const life = live(podOf({}))
  life.sync()
  life.memory = { ...life.memory, ending: { reason: 'Evicted', message: 'low on memory' } }
  expect(life.summary()).toBe('Running c=running#0+ [sandbox init scheduled]')
  life.sync()
  expect(life.memory.status).toMatchObject({ phase: 'Failed', reason: 'Evicted', message: 'low on memory' })
})

test('readiness gates hold back Ready alone, and conditions of others are kept', () => {
  const life = live(podOf({ readinessGates: [{ conditionType: 'a.b/c' }] }))
  life.sync()
  const ready = () => life.memory.status?.conditions?.find(({ type }) => type === 'Ready')
  expect(ready()).toMatchObject({
    reason: 'ReadinessGatesNotReady',
    message: 'corresponding condition of pod readiness gate "a.b/c" does not exist.',
  })
  const gate = (status: string) => ({ conditions: [{ type: 'a.b/c', status }] })
  life.pod = { ...life.pod, status: gate('False') }
  life.sync()
  expect(ready()?.message).toBe('the status of pod readiness gate "a.b/c" is not "True", but False')
  life.pod = { ...life.pod, status: gate('True') }
  life.sync()
  expect(ready()?.status).toBe('True')
  expect(life.memory.status?.conditions?.[0]).toEqual({ type: 'a.b/c', status: 'True' })
})

test('init containers wait as PodInitializing, and Initialized names those that are not done', () => {
  const life = live(podOf({ initContainers: [{ name: 'i1' }, { name: 'i2' }] }))
  life.sync()
  const initialized = life.memory.status?.conditions?.find(({ type }) => type === 'Initialized')
  expect(initialized).toMatchObject({
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: 'containers with incomplete status: [i1 i2]',
  })
})

test('on the host network the pod has the addresses of the host', () => {
  const life = live(podOf({ hostNetwork: true }))
  life.sync()
  expect(life.memory.status).toMatchObject({ podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] })
})

test('qos classes', () => {
  const qos = (resources: object) => {
    const life = live(podOf({ containers: [{ name: 'c', resources }] }))
    life.sync()
    return life.memory.status?.qosClass
  }
  expect(qos({})).toBe('BestEffort')
  expect(qos({ requests: { cpu: '1' } })).toBe('Burstable')
  expect(qos({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m' } })).toBe('Guaranteed')
  expect(qos({ limits: { cpu: '1' } })).toBe('Burstable')
})
