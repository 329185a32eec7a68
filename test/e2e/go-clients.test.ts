import {
  type Deployment,
  deployment,
  endpointSlice,
  endpoints,
  type Job,
  job,
  lease,
  namespace,
  type Pod,
  pod,
  podDisruptionBudget,
  replicaSet,
  resourceQuota,
  secret,
  serviceAccount,
} from '@skiff/api'
import type { Client } from '@skiff/client'
import type { NodeAgent } from '@skiff/node'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, run, type TestCluster, until } from './cluster/cluster.ts'
import { startGoPlane, startHandNode, whyNoGoPrograms } from './cluster/go-plane.ts'

// Upstream's own controller manager and scheduler, as Go programs are: client-go, protobuf, HTTP/2, leader election, service accounts.

const why = whyNoGoPrograms()
const ns = 'default'
/** What they log as errors against their own server as well: races for an object, a namespace that ends. */
const usual = /cloud provider|leaderelection|the object has been modified|garbagecollector.*not found|because it is being terminated/
const template = (app: string, more: object = {}) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image: 'image' }], ...more },
})

describe.skipIf(why !== undefined)(`upstream's controllers and scheduler${why ? ` (skipped: ${why})` : ''}`, { timeout: 120_000 }, () => {
  let cluster: TestCluster
  let client: Client
  let plane: Awaited<ReturnType<typeof startGoPlane>>
  const agents: NodeAgent[] = []

  beforeAll(async () => {
    cluster = await newCluster('go-clients')
    await cluster.up('--control-plane-only', '--legacy-apis', '--controllers', '-*')
    client = await cluster.client()
    plane = await startGoPlane(cluster)
    for (const number of [1, 2]) agents.push(await startHandNode(cluster, number))
  })
  afterAll(async () => {
    await Promise.all(agents.map((agent) => agent.stop()))
    await plane?.stop()
    expect(await cluster?.remove()).toEqual([])
  })

  afterEach(() => expect(plane.ended).toEqual([]))

  const apply = async (...objects: readonly object[]): Promise<void> => {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
    const { code, err } = await run('kubectl', ['apply', '-f', '-'], { input, env: { KUBECONFIG: cluster.kubeconfig } })
    expect(code, err).toBe(0)
  }
  const podsOf = async (app: string): Promise<readonly Pod[]> => {
    const { items } = await client.list(pod, { namespace: ns }, { query: { labelSelector: `app=${app}` } })
    return items
  }
  const settled = (name: string, replicas: number, generation?: number): Promise<Deployment> =>
    until(`${name} with ${replicas}`, async () => {
      const found = await client.get(deployment, { namespace: ns, name })
      const { observedGeneration, availableReplicas = 0, updatedReplicas = 0, replicas: all = 0 } = found.status ?? {}
      const done = [availableReplicas, updatedReplicas, all].every((count) => count === replicas)
      return done && observedGeneration === (generation ?? found.metadata.generation) ? found : undefined
    })

  // Begun first, since a schedule waits for the minute to turn.
  test('a CronJob is accepted in the version that they speak', async () => {
    const spec = { schedule: '* * * * *', jobTemplate: { spec: { template: template('cron', { restartPolicy: 'Never' }) } } }
    await apply({ apiVersion: 'batch/v1beta1', kind: 'CronJob', metadata: { name: 'cron', namespace: ns }, spec })
  })

  test('both hold their leases', async () => {
    for (const name of ['kube-controller-manager', 'kube-scheduler'])
      await until(name, async () => {
        const held = await client.get(lease, { namespace: 'kube-system', name }).catch(() => undefined)
        return held?.spec?.holderIdentity ? held : undefined
      })
    // Without it no pod is admitted, of which the controllers would complain.
    await until('the default account', () => client.get(serviceAccount, { namespace: ns, name: 'default' }).catch(() => undefined))
  })

  test('a Deployment rolls out, rolls on, scales, and its pods are spread over the nodes', async () => {
    const metadata = { name: 'web', namespace: ns }
    const spec = { replicas: 4, selector: { matchLabels: { app: 'web' } }, template: template('web') }
    await apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec })
    await settled('web', 4)
    expect(new Set((await podsOf('web')).map((one) => one.spec.nodeName))).toEqual(new Set(['hand-1', 'hand-2']))
    await cluster.kubectl('set', 'image', 'deployment/web', 'c=other')
    await cluster.kubectl('scale', 'deployment/web', '--replicas=2')
    await settled('web', 2)
    const sets = await client.list(replicaSet, { namespace: ns }, { query: { labelSelector: 'app=web' } })
    expect(sets.items.map((set) => set.spec.replicas).sort()).toEqual([0, 2])
  })

  test('a Service has its endpoints and slices', async () => {
    const spec = { selector: { app: 'web' }, ports: [{ port: 80 }] }
    await apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: ns }, spec })
    const addresses = (await podsOf('web')).map(({ status }) => status?.podIP).sort()
    await until('the endpoints', async () => {
      const found = await client.get(endpoints, { namespace: ns, name: 'web' }).catch(() => undefined)
      return found?.subsets?.[0]?.addresses?.length === 2 ? found : undefined
    })
    const slice = await until('the slice', async () => {
      const { items } = await client.list(endpointSlice, { namespace: ns }, { query: { labelSelector: 'kubernetes.io/service-name=web' } })
      return items[0]?.endpoints?.length === 2 ? items[0] : undefined
    })
    expect(slice.endpoints?.map((one) => one.addresses[0]).sort()).toEqual(addresses)
    // Where an endpoint is, they say as discovery.k8s.io/v1beta1 had it.
    expect(slice.endpoints?.every((one) => one.deprecatedTopology?.['kubernetes.io/hostname']?.startsWith('hand-'))).toBe(true)
  })

  test('a disruption budget of policy/v1beta1 is kept', async () => {
    const spec = { minAvailable: 1, selector: { matchLabels: { app: 'web' } } }
    await apply({ apiVersion: 'policy/v1beta1', kind: 'PodDisruptionBudget', metadata: { name: 'web', namespace: ns }, spec })
    const budget = await until('the budget', async () => {
      const found = await client.get(podDisruptionBudget, { namespace: ns, name: 'web' })
      return found.status?.disruptionsAllowed === 1 ? found : undefined
    })
    expect(budget.status).toMatchObject({ currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 })
  })

  test('a Job runs to its end, and one that fails says so', async () => {
    const jobOf = (name: string, code: number, spec: object) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace: ns },
      spec: {
        ...spec,
        template: {
          metadata: { annotations: { 'simulated.skiff.dev/run-ms': '200', 'simulated.skiff.dev/exit-code': String(code) } },
          spec: { containers: [{ name: 'c', image: 'image' }], restartPolicy: 'Never' },
        },
      },
    })
    await apply(jobOf('good', 0, { completions: 3, parallelism: 2 }), jobOf('bad', 3, { backoffLimit: 0 }))
    const ended = (name: string): Promise<Job> =>
      until(name, async () => {
        const found = await client.get(job, { namespace: ns, name })
        return found.status?.conditions?.some(({ status }) => status === 'True') ? found : undefined
      })
    expect((await ended('good')).status).toMatchObject({ succeeded: 3, conditions: [{ type: 'Complete' }] })
    expect((await ended('bad')).status).toMatchObject({ failed: 1, conditions: [{ type: 'Failed', reason: 'BackoffLimitExceeded' }] })
  })

  test('what no node can take is left, with the reason', async () => {
    const spec = { ...template('big').spec, nodeSelector: { size: 'huge' } }
    await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'big', namespace: ns }, spec })
    const told = await until('the reason', async () => {
      const { status } = await client.get(pod, { namespace: ns, name: 'big' })
      return status?.conditions?.find(({ type, status: value }) => type === 'PodScheduled' && value === 'False')
    })
    expect(told).toMatchObject({ reason: 'Unschedulable' })
    await client.remove(pod, { namespace: ns, name: 'big' })
  })

  test('a quota counts', async () => {
    await apply({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'q', namespace: ns },
      spec: { hard: { 'count/deployments.apps': '3', services: '5' } },
    })
    const quota = await until('the usage', async () => {
      const found = await client.get(resourceQuota, { namespace: ns, name: 'q' })
      return found.status?.used ? found : undefined
    })
    expect(quota.status).toEqual({ hard: quota.spec?.hard, used: { 'count/deployments.apps': '1', services: '2' } })
    await cluster.kubectl('delete', 'quota', 'q')
  })

  test('a new namespace gets its account, with a token that says who it is; then all of it goes', async () => {
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'more' } })
    const account = await until('the account', async () => {
      const found = await client.get(serviceAccount, { namespace: 'more', name: 'default' }).catch(() => undefined)
      return found?.secrets?.[0]?.name ? found : undefined
    })
    const held = await client.get(secret, { namespace: 'more', name: account.secrets?.[0]?.name ?? '' })
    const token = Buffer.from(held.data?.token ?? '', 'base64').toString()
    const server = (await cluster.kubectl('config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}')).trim()
    const whoami = await run('kubectl', [
      'auth',
      'whoami',
      `--server=${server}`,
      `--token=${token}`,
      '--insecure-skip-tls-verify',
      '--kubeconfig=/dev/null',
      '-o',
      'jsonpath={.status.userInfo.username}',
    ])
    expect(whoami).toMatchObject({ code: 0, out: 'system:serviceaccount:more:default' })
    const names = { plural: 'gadgets', kind: 'Gadget' }
    const definition = { group: 'example.com', version: 'v1', scope: 'Namespaced', names }
    await apply({
      apiVersion: 'apiextensions.k8s.io/v1beta1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gadgets.example.com' },
      spec: definition,
    })
    await cluster.kubectl('wait', '--for=condition=Established', 'crd/gadgets.example.com', '--timeout=30s')
    const inside = { namespace: 'more', name: 'inside' }
    await apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: inside },
      { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: inside },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: inside,
        spec: { selector: { matchLabels: { app: 'in' } }, template: template('in') },
      },
    )
    await cluster.kubectl('delete', 'namespace', 'more', '--timeout=60s')
    expect(await client.get(namespace, { name: 'more' }).catch((error: { code: number }) => error.code)).toBe(404)
  })

  test('what a Deployment made goes with it, or stays where that is asked for', async () => {
    const spec = { replicas: 1, selector: { matchLabels: { app: 'kept' } }, template: template('kept') }
    await apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'kept', namespace: ns }, spec })
    await settled('kept', 1)
    await cluster.kubectl('delete', 'deployment', 'kept', '--cascade=orphan')
    await cluster.kubectl('delete', 'deployment', 'web', '--cascade=foreground')
    await until('the pods of web', async () => ((await podsOf('web')).length === 0 ? true : undefined))
    const sets = await client.list(replicaSet, { namespace: ns })
    expect(sets.items.map(({ metadata }) => [metadata.labels?.app, metadata.ownerReferences])).toEqual([['kept', undefined]])
    expect(await podsOf('kept')).toHaveLength(1)
  })

  test('the CronJob has made a Job', { timeout: 120_000 }, async () => {
    await until(
      'the job',
      async () => {
        const { items } = await client.list(job, { namespace: ns })
        return items.find(({ metadata }) => metadata.ownerReferences?.[0]?.kind === 'CronJob')
      },
      100_000,
    )
  })

  test('neither complained', () => {
    const complaints = plane.running.flatMap((each) =>
      each
        .err()
        .split('\n')
        .filter((line) => /^E|panic/.test(line)),
    )
    expect(complaints.filter((line) => !usual.test(line))).toEqual([])
  })
})
