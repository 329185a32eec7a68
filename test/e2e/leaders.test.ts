import { deployment, lease, type Pod, pod } from '@skiff/api'
import { afterEach, expect, test } from 'vitest'
import { type Background, newCluster, skiffInBackground, type TestCluster, until } from './cluster/cluster.ts'

let cluster: TestCluster
const copies: Background[] = []
afterEach(async () => {
  await Promise.all(copies.splice(0).map((copy) => copy.stop()))
  expect(await cluster.remove()).toEqual([])
})

const leaseNames = { controllers: 'kube-controller-manager', scheduler: 'kube-scheduler' } as const
type Part = keyof typeof leaseNames

const run = (part: Part): Background => {
  const copy = skiffInBackground([part, '--kubeconfig', cluster.kubeconfig], {})
  copies.push(copy)
  return copy
}
const holderOf = async (part: Part): Promise<string | undefined> => {
  const { items } = await (await cluster.client()).list(lease, { namespace: 'kube-system' })
  return items.find(({ metadata }) => metadata.name === leaseNames[part])?.spec.holderIdentity
}
/** The first copy, once it leads, and a second one that waits. */
const runTwo = async (part: Part): Promise<Background> => {
  const first = run(part)
  await until(`the first copy of ${part} leads`, () => holderOf(part))
  run(part)
  return first
}
const addWorkload = async (name: string, replicas: number) =>
  (await cluster.client()).create(deployment, {
    metadata: { namespace: 'default', name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  } as never)
const podsOf = async (name: string): Promise<readonly Pod[]> =>
  (await (await cluster.client()).list(pod, { namespace: 'default' })).items.filter(({ metadata }) => metadata.labels?.app === name)
const placed = async (name: string, count: number) =>
  until(`${count} pods of ${name} have nodes`, async () => {
    const found = await podsOf(name)
    return found.length >= count && found.every(({ spec }) => spec.nodeName) ? found : undefined
  })

test('of two copies of controllers and scheduler one acts; when it is killed in the middle of work the other takes over, and nothing is done twice', {
  timeout: 90_000,
}, async () => {
  cluster = await newCluster('leaders')
  await cluster.up('--simulated-nodes', '2', '--controllers=-*')
  const client = await cluster.client()
  /** Every pod that ever was, by its uid, and the nodes that it was given to. */
  const seen = new Map<string, Set<string>>()
  const watching = new AbortController()
  const frames = await client.watch(pod, { namespace: 'default' }, { signal: watching.signal })
  const watched = (async () => {
    for await (const batch of frames)
      for (const frame of batch) {
        const one = (frame as { readonly object?: Pod }).object
        if (!one?.metadata.uid) continue
        const nodes = seen.get(one.metadata.uid) ?? new Set()
        seen.set(one.metadata.uid, nodes)
        if (one.spec.nodeName) nodes.add(one.spec.nodeName)
      }
  })().catch(() => {})
  const leaders = [await runTwo('controllers'), await runTwo('scheduler')]
  await addWorkload('before', 4)
  await placed('before', 4)
  const held = { controllers: await holderOf('controllers'), scheduler: await holderOf('scheduler') }

  await addWorkload('during', 30)
  await until('the work has begun', async () => ((await podsOf('during')).length > 0 ? true : undefined))
  await Promise.all(leaders.map((leader) => leader.kill()))
  await addWorkload('after', 3)
  for (const [name, count] of [
    ['before', 4],
    ['during', 30],
    ['after', 3],
  ] as const)
    expect([name, (await placed(name, count)).length]).toEqual([name, count])
  for (const part of ['controllers', 'scheduler'] as const) expect([part, await holderOf(part)]).not.toEqual([part, held[part]])
  watching.abort()
  await watched
  expect(seen.size).toBe(37)
  expect([...seen.values()].filter(({ size }) => size !== 1)).toEqual([])
})

test('who is told to stop gives way at once', { timeout: 60_000 }, async () => {
  cluster = await newCluster('leaders')
  await cluster.up('--simulated-nodes', '2', '--controllers=-*')
  const leader = await runTwo('controllers')
  run('scheduler')
  const held = await holderOf('controllers')
  await leader.stop()
  // Given up, or taken already.
  expect(await holderOf('controllers')).not.toBe(held)
  await addWorkload('w', 2)
  expect((await placed('w', 2)).length).toBe(2)
})
