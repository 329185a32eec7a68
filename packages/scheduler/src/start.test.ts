import { node as nodes, persistentVolume, persistentVolumeClaim, pod as pods, storageClass } from '@skiff/api'
import { exposition, Refusal } from '@skiff/machinery'
import { afterEach, expect, test } from 'vitest'
import { nodeOf, podOf } from './testing/objects.ts'
import { type Running, type RunningOptions, running } from './testing/running.ts'

const ends: Running[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end.stop()
})
const start = async (options?: RunningOptions): Promise<Running> => {
  const made = await running(options)
  ends.push(made)
  return made
}
const cpu = (amount: string) => ({ requests: { cpu: amount } })
const condition = (cluster: Running, name: string) => cluster.pod(name)?.status?.conditions?.find((each) => each.type === 'PodScheduled')

test('a pod gets a node, and an event says so', async () => {
  const cluster = await start()
  await cluster.add(nodeOf('n1'), podOf('p'))
  expect(cluster.places()).toEqual({ p: 'n1' })
  expect(cluster.events()).toEqual(['Scheduled: Successfully assigned a/p to n1'])
})

test('without any node', async () => {
  const cluster = await start()
  await cluster.add(podOf('p'))
  expect(condition(cluster, 'p')).toMatchObject({
    status: 'False',
    reason: 'Unschedulable',
    message: 'no nodes available to schedule pods',
  })
})

test('a pod too large says so once, and goes in when a node comes that holds it', async () => {
  const cluster = await start()
  await cluster.add(nodeOf('n1'), podOf('p', cpu('5')))
  const message =
    '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
  expect(condition(cluster, 'p')).toMatchObject({ status: 'False', reason: 'Unschedulable', message })
  expect(cluster.events()).toEqual([`FailedScheduling: ${message}`])
  await cluster.env.advance(20_000)
  expect(cluster.events()).toHaveLength(1)
  await cluster.add(nodeOf('n2', { allocatable: { cpu: '8' } }))
  expect(cluster.places()).toEqual({ p: 'n2' })
})

test('a pod that waits for room goes in when another leaves', async () => {
  const cluster = await start()
  await cluster.add(nodeOf('n1'), podOf('big', cpu('3')), podOf('p', cpu('2')))
  expect(cluster.places()).toEqual({ big: 'n1', p: '' })
  await cluster.client.remove(pods, { namespace: 'a', name: 'big' }, { gracePeriodSeconds: 0 })
  await cluster.settle()
  expect(cluster.places()).toEqual({ p: 'n1' })
})

test('a pod that is done holds nothing', async () => {
  const cluster = await start()
  await cluster.add(nodeOf('n1'), podOf('job', cpu('3')), podOf('p', cpu('2')))
  await cluster.client.patch(pods, { namespace: 'a', name: 'job', subresource: 'status' }, 'merge', { status: { phase: 'Succeeded' } })
  await cluster.settle()
  expect(cluster.places()).toMatchObject({ p: 'n1' })
})

test('pods of other schedulers are left alone, but what they use counts', async () => {
  const cluster = await start()
  await cluster.add(
    nodeOf('n1'),
    podOf('other', { spec: { schedulerName: 'mine' } }),
    podOf('there', { on: 'n1', ...cpu('3') }),
    podOf('p', cpu('2')),
  )
  expect(cluster.places()).toEqual({ other: '', there: 'n1', p: '' })
})

test('a gate holds a pod back without a try, and lets it go when it is taken away', async () => {
  const cluster = await start()
  await cluster.add(nodeOf('n1'), podOf('p', { spec: { schedulingGates: [{ name: 'example.com/wait' }] } }))
  expect(condition(cluster, 'p')).toMatchObject({
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
  })
  expect(cluster.events()).toEqual([])
  await cluster.client.patch(pods, { namespace: 'a', name: 'p' }, 'merge', { spec: { schedulingGates: null } })
  await cluster.settle()
  expect(cluster.places()).toEqual({ p: 'n1' })
})

test('a cordon is respected, and its end brings the pod in', async () => {
  const cluster = await start()
  await cluster.add(nodeOf('n1', { spec: { unschedulable: true } }), podOf('p'))
  expect(condition(cluster, 'p')?.message).toContain('1 node(s) were unschedulable')
  await cluster.client.patch(nodes, { name: 'n1' }, 'merge', { spec: { unschedulable: null } })
  await cluster.settle()
  expect(cluster.places()).toEqual({ p: 'n1' })
})

test('a spreading that one node forbids is possible once that node is gone', async () => {
  const cluster = await start()
  const labels = { app: 'web' }
  const constraint = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } }
  const topologySpreadConstraints = [{ ...constraint, whenUnsatisfiable: 'DoNotSchedule' as const }]
  await cluster.add(nodeOf('empty', { spec: { unschedulable: true } }), nodeOf('n'))
  await cluster.add(podOf('there', { on: 'n', labels }), podOf('p', { labels, spec: { topologySpreadConstraints } }))
  expect(condition(cluster, 'p')?.message).toContain("1 node(s) didn't match pod topology spread constraints")
  await cluster.client.remove(nodes, { name: 'empty' })
  await cluster.settle()
  expect(cluster.places()).toEqual({ there: 'n', p: 'n' })
})

test('a promise ends with a binding that fails', async () => {
  const intercept = ({ subresource }: { readonly subresource?: string }) => {
    if (subresource === 'binding') throw new Refusal(500, 'InternalError', 'the store is away')
  }
  const cluster = await start({ intercept })
  await cluster.add(nodeOf('n1'), podOf('low', { on: 'n1', ...cpu('3') }), podOf('high', { priority: 100, ...cpu('3') }))
  expect(cluster.pod('high')?.status?.nominatedNodeName).toBe('n1')
  await cluster.client.remove(pods, { namespace: 'a', name: 'low' }, { gracePeriodSeconds: 0 })
  await cluster.settle()
  expect(condition(cluster, 'high')?.reason).toBe('SchedulerError')
  expect(cluster.pod('high')?.status?.nominatedNodeName).toBeUndefined()
})

test('a preemption that the server fails is tried again', async () => {
  let failures = 1
  const intercept = ({ verb }: { readonly verb: string }) => {
    if (verb === 'delete' && failures-- > 0) throw new Refusal(500, 'InternalError', 'the store is away')
  }
  const cluster = await start({ intercept })
  await cluster.add(nodeOf('n1'), podOf('low', cpu('3')), podOf('high', { priority: 100, ...cpu('3') }))
  await cluster.env.advance(10_000)
  await cluster.settle()
  expect(cluster.pod('low')?.metadata.deletionTimestamp).toBeDefined()
})

test('preemption: victims are marked and deleted, the node is promised, and kept from lesser pods', async () => {
  const cluster = await start()
  await cluster.add(nodeOf('n1'), podOf('low', cpu('3')), podOf('high', { priority: 100, ...cpu('3') }))
  expect(cluster.pod('high')?.status?.nominatedNodeName).toBe('n1')
  expect(condition(cluster, 'high')?.message).toBe('0/1 nodes are available: 1 Insufficient cpu.')
  const victim = cluster.pod('low')
  expect(victim?.metadata.deletionTimestamp).toBeDefined()
  expect(victim?.status?.conditions).toMatchObject([
    {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    },
  ])
  await cluster.add(podOf('thief', cpu('1500m')))
  await cluster.client.remove(pods, { namespace: 'a', name: 'low' }, { gracePeriodSeconds: 0 })
  await cluster.settle()
  expect(cluster.places()).toEqual({ high: 'n1', thief: '' })
  expect(cluster.events().some((text) => text.startsWith('Preempted: Preempted by pod'))).toBe(true)
})

test('preemption: until all victims but one are told to go, nothing brings the pod back', async () => {
  const held = Promise.withResolvers<void>()
  const deletes: string[] = []
  const intercept = async ({ verb, name = '' }: { readonly verb: string; readonly name?: string }) => {
    if (verb !== 'delete') return
    deletes.push(name)
    if (name === 'low-1') await held.promise
  }
  const cluster = await start({ intercept })
  const low = ['low-1', 'low-2', 'low-3'].map((name) => podOf(name, { on: 'n1', ...cpu('1') }))
  await cluster.add(nodeOf('n1'), nodeOf('n2'), ...low, podOf('idle', { on: 'n2', priority: 200, ...cpu('4') }))
  await cluster.add(podOf('high', { priority: 100, ...cpu('4') }))
  const tries = () => exposition(cluster.metrics()).match(/attempts_total{profile="default-scheduler",result="unschedulable"} (\d+)/)?.[1]
  expect(deletes).toEqual(['low-1', 'low-2'])
  await cluster.client.remove(pods, { namespace: 'a', name: 'idle' }, { gracePeriodSeconds: 0 })
  await cluster.settle()
  expect(tries()).toBe('1')
  expect(cluster.places().high).toBe('')
  held.resolve()
  await cluster.settle()
  expect(deletes).toEqual(['low-1', 'low-2', 'idle', 'low-3'])
  for (const { metadata } of low)
    await cluster.client.remove(pods, { namespace: 'a', name: metadata.name }, { gracePeriodSeconds: 0 }).catch(() => {})
  await cluster.settle()
  expect(cluster.places().high).toMatch(/^n/)
})

test('preemption: a pod whose last victim was gone already is tried again at once', async () => {
  let late = true
  const intercept = async ({ verb, name }: { readonly verb: string; readonly name?: string }) => {
    if (verb !== 'delete' || name !== 'low' || !late) return
    late = false
    throw new Refusal(404, 'NotFound', 'pods "low" not found')
  }
  const cluster = await start({ intercept })
  await cluster.add(nodeOf('n1'), podOf('low', cpu('3')), podOf('high', { priority: 100, ...cpu('3') }))
  expect(exposition(cluster.metrics())).toContain('attempts_total{profile="default-scheduler",result="unschedulable"} 2')
})

test('preemption: who loses a promise to a more important pod is told so, and room whose promise ends is free', async () => {
  const cluster = await start()
  await cluster.add(nodeOf('n1'), podOf('low', cpu('4')), podOf('mid', { priority: 10, ...cpu('4') }))
  expect(cluster.pod('mid')?.status?.nominatedNodeName).toBe('n1')
  await cluster.add(podOf('high', { priority: 100, ...cpu('4') }))
  expect(cluster.pod('high')?.status?.nominatedNodeName).toBe('n1')
  // Told at first, promise taken back, told when it was tried again.
  expect(cluster.server.writes.filter((write) => write === 'patch pods/status a/mid')).toHaveLength(3)
  expect(cluster.pod('mid')?.status?.nominatedNodeName).toBeUndefined()
  await cluster.add(nodeOf('n2', { allocatable: { cpu: '1' } }), podOf('equal', { priority: 100, ...cpu('3') }))
  await cluster.client.remove(pods, { namespace: 'a', name: 'low' }, { gracePeriodSeconds: 0 })
  await cluster.settle()
  expect(cluster.places()).toMatchObject({ high: 'n1', equal: '' })
})

test('the end of a promise lets those in that it kept out', async () => {
  const intercept = async ({ verb, name }: { readonly verb: string; readonly name?: string }) => {
    if (verb === 'delete' && name === 'low') throw new Refusal(409, 'Conflict', 'not now')
  }
  const cluster = await start({ intercept })
  const nominated = { ...podOf('high', { priority: 100, ...cpu('4') }), status: { nominatedNodeName: 'n1' } }
  await cluster.add(nodeOf('n1'), podOf('low', { on: 'n1', priority: 200, ...cpu('1') }))
  await cluster.add(nominated)
  await cluster.client.patch(pods, { namespace: 'a', name: 'high', subresource: 'status' }, 'merge', {
    status: { nominatedNodeName: 'n1' },
  })
  await cluster.add(podOf('small', cpu('1')))
  const before = cluster.places().small
  await cluster.client.remove(pods, { namespace: 'a', name: 'high' }, { gracePeriodSeconds: 0 })
  await cluster.settle()
  expect([before, cluster.places().small]).toEqual(['', 'n1'])
})

test('a binding that the server fails gives the room back and is tried again after the backoff', async () => {
  let failures = 1
  const intercept = ({ subresource }: { readonly subresource?: string }) => {
    if (subresource === 'binding' && failures-- > 0) throw new Refusal(500, 'InternalError', 'the store is away')
  }
  const cluster = await start({ intercept })
  await cluster.add(nodeOf('n1'), podOf('p', cpu('3')))
  expect(cluster.places()).toEqual({ p: '' })
  expect(condition(cluster, 'p')).toMatchObject({
    reason: 'SchedulerError',
    message: 'running Bind plugin "DefaultBinder": the store is away',
  })
  await cluster.env.advance(1_000)
  await cluster.settle()
  expect(cluster.places()).toEqual({ p: 'n1' })
})

test('bindings run side by side', async () => {
  const cluster = await start()
  await cluster.add(nodeOf('n1'), nodeOf('n2'))
  await Promise.all(Array.from({ length: 50 }, (_, i) => cluster.client.create(pods, podOf(`p${i}`, cpu('10m')))))
  await cluster.settle()
  const perNode = Map.groupBy(Object.values(cluster.places()), (place) => place)
  expect([...perNode.keys()].sort()).toEqual(['n1', 'n2'])
  expect(Math.abs((perNode.get('n1')?.length ?? 0) - 25)).toBeLessThan(4)
})

test('a claim that waits is given a volume of the chosen node before the pod is bound', async () => {
  const cluster = await start()
  const metadata = (name: string) => ({ name, uid: name, resourceVersion: '', creationTimestamp: '' })
  await cluster.client.create(storageClass, {
    metadata: metadata('local'),
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  })
  const term = { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In' as const, values: ['n2'] }] }
  await cluster.client.create(persistentVolume, {
    metadata: metadata('disk'),
    spec: { storageClassName: 'local', accessModes: ['ReadWriteOnce'], nodeAffinity: { required: { nodeSelectorTerms: [term] } } },
  })
  await cluster.client.patch(persistentVolume, { name: 'disk', subresource: 'status' }, 'merge', { status: { phase: 'Available' } })
  const claim = { namespace: 'a', name: 'data' }
  await cluster.client.create(persistentVolumeClaim, {
    metadata: { ...metadata('data'), namespace: 'a' },
    spec: { storageClassName: 'local', accessModes: ['ReadWriteOnce'] },
  })
  const volumes = [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }]
  await cluster.add(nodeOf('n1'), nodeOf('n2'), podOf('p', { spec: { volumes } }))
  const [volume] = cluster.server.all(persistentVolume)
  expect(volume?.spec.claimRef).toMatchObject({ namespace: 'a', name: 'data' })
  expect(volume?.metadata.annotations).toEqual({ 'pv.kubernetes.io/bound-by-controller': 'yes' })
  expect(cluster.places()).toEqual({ p: '' })
  // What the volume controller does next.
  await cluster.client.patch(persistentVolumeClaim, claim, 'merge', { spec: { volumeName: 'disk' } })
  await cluster.client.patch(persistentVolumeClaim, { ...claim, subresource: 'status' }, 'merge', { status: { phase: 'Bound' } })
  await cluster.settle()
  expect(cluster.places()).toEqual({ p: 'n2' })
})

test('equal pods without room are all told, and all go in when there is some', async () => {
  const cluster = await start()
  await cluster.add(nodeOf('n1', { allocatable: { cpu: '1' } }))
  await Promise.all(Array.from({ length: 20 }, (_, i) => cluster.client.create(pods, podOf(`p${i}`, cpu('2')))))
  await cluster.settle()
  const texts = Array.from({ length: 20 }, (_, i) => condition(cluster, `p${i}`)?.message)
  expect(new Set(texts)).toEqual(
    new Set([
      '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    ]),
  )
  await cluster.add(nodeOf('n2', { allocatable: { cpu: '64' } }))
  expect(new Set(Object.values(cluster.places()))).toEqual(new Set(['n2']))
})

test('an older "Unschedulable" never arrives after the binding', async () => {
  const held = Promise.withResolvers<void>()
  const cluster = await start({ intercept: ({ subresource }) => (subresource === 'status' ? held.promise : undefined) })
  await cluster.add(podOf('p'), nodeOf('n1'))
  expect(cluster.places()).toEqual({ p: '' })
  held.resolve()
  await cluster.settle()
  expect(cluster.places()).toEqual({ p: 'n1' })
  expect(cluster.server.writes.filter((write) => write.includes(' pods/'))).toEqual(['patch pods/status a/p', 'create pods/binding a/p'])
})

test('a scheduler that stops does not wait for volumes', async () => {
  const cluster = await start()
  const metadata = (name: string) => ({ name, uid: name, resourceVersion: '', creationTimestamp: '' })
  const waits = { provisioner: 'example.com/disk', volumeBindingMode: 'WaitForFirstConsumer' as const }
  await cluster.client.create(storageClass, { metadata: metadata('slow'), ...waits })
  await cluster.client.create(persistentVolumeClaim, {
    metadata: { ...metadata('data'), namespace: 'a' },
    spec: { storageClassName: 'slow' },
  })
  await cluster.add(nodeOf('n1'), podOf('p', { spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] } }))
  const annotations = cluster.server.all(persistentVolumeClaim)[0]?.metadata.annotations
  expect(annotations).toEqual({ 'volume.kubernetes.io/selected-node': 'n1' })
  await cluster.stop()
  expect(cluster.places()).toEqual({ p: '' })
})

test('a provisioner that gives up on a node takes its name away: the pod is tried again', async () => {
  const cluster = await start()
  const metadata = (name: string) => ({ name, uid: name, resourceVersion: '', creationTimestamp: '' })
  const waits = { provisioner: 'example.com/disk', volumeBindingMode: 'WaitForFirstConsumer' as const }
  await cluster.client.create(storageClass, { metadata: metadata('slow'), ...waits })
  const claim = { namespace: 'a', name: 'data' }
  await cluster.client.create(persistentVolumeClaim, { metadata: { ...metadata('data'), ...claim }, spec: { storageClassName: 'slow' } })
  await cluster.add(nodeOf('n1'), podOf('p', { spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] } }))
  await cluster.client.patch(persistentVolumeClaim, claim, 'merge', {
    metadata: { annotations: { 'volume.kubernetes.io/selected-node': null, x: 'y' } },
  })
  await cluster.settle()
  expect(condition(cluster, 'p')).toMatchObject({
    reason: 'SchedulerError',
    message: 'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "data"',
  })
})
