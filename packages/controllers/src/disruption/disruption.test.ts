import type { PodDisruptionBudget, Resource } from '@skiff/api'
import { daemonSet, deployment, pod, podDisruptionBudget, statefulSet } from '@skiff/api'
import type { Handler } from '@skiff/client'
import { notFound, rfc3339 } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { deploymentController } from '../deployment/deployment.ts'
import { replicaSetController } from '../replicas/replicaset.ts'
import { type TestCluster, type TestClusterOptions, testCluster } from '../testing/cluster.ts'
import { disruptionController } from './disruption.ts'

const target = { namespace: 'a', name: 'web' }
const widget: Resource = { group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true }
const known: readonly Resource[] = [daemonSet, statefulSet, deployment, widget]

/** Serves what a widget wants as its scale; nothing else has one. */
const withScales =
  (handler: Handler): Handler =>
  async (call) => {
    if (call.subresource !== 'scale') return handler(call)
    if (call.resource !== 'widgets') throw notFound(call, call.name ?? '')
    return {
      status: 200,
      object: { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: call.name, uid: 'w' }, spec: { replicas: 4 } },
    }
  }
const start = (options: TestClusterOptions = {}) =>
  testCluster([disruptionController(() => known), deploymentController(), replicaSetController()], { around: withScales, ...options })
const budget = (cluster: TestCluster, spec: object) =>
  cluster.client.create(podDisruptionBudget, { metadata: target, spec: { selector: { matchLabels: { app: 'web' } }, ...spec } })
const deploy = (cluster: TestCluster, replicas: number) =>
  cluster.client.create(deployment, {
    metadata: target,
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c' }] } } as never,
    },
  })
const bare = (cluster: TestCluster, name: string, ownerReferences: object[] = []) =>
  cluster.client.create(pod, {
    metadata: { namespace: 'a', name, labels: { app: 'web' }, ownerReferences: ownerReferences as never },
    spec: { containers: [{ name: 'c' }] } as never,
  })
const status = (cluster: TestCluster) => cluster.server.all(podDisruptionBudget)[0]?.status as NonNullable<PodDisruptionBudget['status']>
const numbers = (cluster: TestCluster) => {
  const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = status(cluster)
  return [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods]
}
const condition = (cluster: TestCluster) => {
  const [one] = status(cluster).conditions ?? []
  return `${one?.type}=${one?.status} ${one?.reason}: ${one?.message}`
}
const events = (cluster: TestCluster) => cluster.events().map((line) => line.replace(/ x\d+$/, ''))

describe('a disruption budget', () => {
  test.each([
    [{ minAvailable: 2 }, 5, [3, 5, 2, 5]],
    [{ minAvailable: 7 }, 5, [0, 5, 7, 5]],
    [{ minAvailable: '50%' }, 5, [2, 5, 3, 5]],
    [{ maxUnavailable: 1 }, 5, [1, 5, 4, 5]],
    [{ maxUnavailable: '30%' }, 5, [2, 5, 3, 5]],
    [{ maxUnavailable: 9 }, 5, [5, 5, 0, 5]],
    [{ maxUnavailable: 0 }, 5, [0, 5, 5, 5]],
  ])('of %j over %i pods', async (spec, replicas, expected) => {
    const cluster = start()
    await budget(cluster, spec)
    await deploy(cluster, replicas)
    await cluster.live(4_000)
    expect(numbers(cluster)).toEqual(expected)
    expect(status(cluster).observedGeneration).toBe(1)
    expect(condition(cluster)).toBe(
      expected[0] === 0 ? 'DisruptionAllowed=False InsufficientPods: ' : 'DisruptionAllowed=True SufficientPods: ',
    )
    await cluster.stop()
  })

  test('without pods allows nothing, and says that there are none', async () => {
    const cluster = start()
    await budget(cluster, { minAvailable: 0 })
    await cluster.live(2_000)
    expect(numbers(cluster)).toEqual([0, 0, 0, 0])
    expect(events(cluster)).toEqual(['Normal NoPods: No matching pods found'])
    await cluster.stop()
  })

  test('follows pods that become unready, and its own change', async () => {
    let healthy = true
    const cluster = start({ healthy: () => healthy })
    await budget(cluster, { maxUnavailable: 1 })
    await deploy(cluster, 3)
    await cluster.live(4_000)
    const since = status(cluster).conditions?.[0]?.lastTransitionTime
    await cluster.client.patch(podDisruptionBudget, target, 'merge', { spec: { maxUnavailable: 2 } })
    await cluster.live(2_000)
    expect(numbers(cluster)).toEqual([2, 3, 1, 3])
    expect(status(cluster)).toMatchObject({ observedGeneration: 2, conditions: [{ observedGeneration: 2, lastTransitionTime: since }] })
    healthy = false
    await cluster.live(2_000)
    expect(numbers(cluster)).toEqual([0, 0, 1, 3])
    expect(status(cluster).conditions?.[0]?.lastTransitionTime).not.toBe(since)
    await cluster.stop()
  })

  test('counts an eviction as done at once, and as failed when the pod stays', async () => {
    const cluster = start()
    await budget(cluster, { minAvailable: 1 })
    await deploy(cluster, 3)
    await cluster.live(4_000)
    const [first, second] = cluster.server.all(pod).map((one) => one.metadata.name) as [string, string]
    const disruptedPods = { [first]: rfc3339(cluster.env.now()), [second]: rfc3339(cluster.env.now()), gone: rfc3339(cluster.env.now()) }
    await cluster.client.patch(podDisruptionBudget, { ...target, subresource: 'status' }, 'merge', { status: { disruptedPods } })
    await cluster.live(2_000)
    expect(numbers(cluster)).toEqual([0, 1, 1, 3])
    expect(Object.keys(status(cluster).disruptedPods ?? {}).sort()).toEqual([first, second])
    await cluster.client.remove(pod, { namespace: 'a', name: second })
    await cluster.live(4_000)
    expect(numbers(cluster)).toEqual([1, 2, 1, 3])
    expect(Object.keys(status(cluster).disruptedPods ?? {})).toEqual([first])
    await cluster.live(120_000)
    expect(numbers(cluster)).toEqual([2, 3, 1, 3])
    expect(status(cluster).disruptedPods).toBeUndefined()
    expect(events(cluster)).toContain("Warning NotDeleted: Pod was expected by PDB a/web to be deleted but it wasn't")
    await cluster.stop()
  })

  test('that needs a scale leaves out pods of no controller, and says so', async () => {
    const cluster = start()
    await budget(cluster, { maxUnavailable: 1 })
    await bare(cluster, 'alone')
    await cluster.live(2_000)
    expect(numbers(cluster)).toEqual([0, 1, 0, 0])
    expect(events(cluster).find((line) => line.includes('Unmanaged'))).toMatch(
      /^Warning UnmanagedPods: Pods selected by this PodDisruptionBudget \(selector: &LabelSelector\{MatchLabels:map\[string\]string\{app: web,\},MatchExpressions:\[\]LabelSelectorRequirement\{\},\}\) were found to be unmanaged\. /,
    )
    await cluster.stop()
  })

  test('that shares pods with another says so of each of them', async () => {
    const cluster = start()
    const labels = { matchLabels: { app: 'web' } }
    await budget(cluster, { minAvailable: 1 })
    await cluster.client.create(podDisruptionBudget, {
      metadata: { namespace: 'a', name: 'all' },
      spec: { minAvailable: 1, selector: labels },
    })
    await cluster.live(1_000)
    await bare(cluster, 'alone')
    await cluster.live(2_000)
    expect(events(cluster)).toContain(
      'Warning MultiplePodDisruptionBudgets: Pod "a"/"alone" matches multiple PodDisruptionBudgets.  Chose "all" arbitrarily.',
    )
    expect(cluster.server.all(podDisruptionBudget).map((one) => one.status?.currentHealthy)).toEqual([1, 1])
    await cluster.stop()
  })

  test('asks other kinds for their scale', async () => {
    const cluster = start()
    await budget(cluster, { maxUnavailable: '50%' })
    const owner = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'w', controller: true }
    await bare(cluster, 'one', [owner])
    await bare(cluster, 'two', [owner])
    await bare(cluster, 'three', [owner])
    await cluster.live(2_000)
    expect(numbers(cluster)).toEqual([1, 3, 2, 4])
    await cluster.stop()
  })

  test.each([
    [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd' }, 'daemonsets.apps does not implement the scale subresource'],
    [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 's' }, 'found no controllers for pod "one"'],
    [{ apiVersion: 'x.io/v1', kind: 'Thing', name: 't' }, 'no matches for kind "Thing" in version "x.io/v1"'],
  ])('allows nothing when the scale of %j is unknown', async (owner, told) => {
    const cluster = start()
    await bare(cluster, 'one', [{ ...owner, uid: 'nobody', controller: true }])
    await budget(cluster, { maxUnavailable: 1 })
    await cluster.live(2_000)
    // Not followed, and so not seen: evictions are to be tried again.
    expect(status(cluster)).toMatchObject({ disruptionsAllowed: 0, conditions: [{ observedGeneration: 0 }] })
    expect(status(cluster).observedGeneration ?? 0).toBe(0)
    expect(condition(cluster)).toBe(`DisruptionAllowed=False SyncFailed: ${told}`)
    expect(events(cluster)).toContain(`Warning CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: ${told}`)
    await cluster.stop()
  })
})

test.each([
  ['PreemptionByScheduler', 'False'],
  ['TerminationByKubelet', 'True'],
])('a pod that was to be disrupted (%s) and lives on two minutes later', async (reason, after) => {
  const cluster = start()
  await bare(cluster, 'one')
  await cluster.live(1_000)
  const held = await cluster.client.get(pod, { namespace: 'a', name: 'one' })
  const marked = { type: 'DisruptionTarget', status: 'True', reason, lastTransitionTime: rfc3339(cluster.env.now()) }
  const ready = held.status?.conditions?.[0] as never
  await cluster.client.update(pod, { ...held, status: { ...held.status, conditions: [ready, marked] } }, { subresource: 'status' })
  const shown = () => cluster.server.all(pod)[0]?.status?.conditions?.find((one) => one.type === 'DisruptionTarget')?.status
  await cluster.live(110_000)
  expect(shown()).toBe('True')
  await cluster.live(15_000)
  expect(shown()).toBe(after)
  await cluster.stop()
})
