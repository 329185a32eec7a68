import { cronJob, daemonSet, deployment, job, namespace, node, type Pod, pod, statefulSet } from '@skiff/api'
import type { Act, Stage } from './stage.ts'
import { anotherJob } from './workloads.ts'

const named = ({ metadata: { namespace = '', name } }: Pod) => ({ namespace, name })

/** Users: they scale, roll out, delete, evict, drain and come back. */
export const usersOf = (stage: Stage): readonly Act[] => {
  const { world, losses } = stage
  const { pick, between, sometimes } = stage.dice
  const { stillClient: client } = world
  const nodes = stage.shapes[0]?.count ?? 0
  let made = 0
  const inside = () => pick(['a', 'b'])
  const somePod = async (): Promise<Pod | undefined> => stage.one((await client.list(pod, { namespace: inside() })).items)
  const target = () => ({ namespace: inside(), name: pick(['web', 'web', 'api', 'db', 'agent', 'lone']) })
  const evict = (found: Pod) =>
    client.create(pod, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: named(found) } as never, {
      ...named(found),
      subresource: 'eviction',
    })
  /** As `kubectl drain` does: again and again, as long as a budget does not allow it. */
  const drain = async (name: string): Promise<void> => {
    await client.patch(node, { name }, 'merge', { spec: { unschedulable: true } })
    for (let rounds = between(1, 6); rounds > 0; rounds -= 1) {
      const there = (await client.list(pod)).items.filter((each) => each.spec.nodeName === name && !each.metadata.deletionTimestamp)
      for (const each of there) await evict(each).catch(() => {})
      await world.live(5_000)
    }
  }
  const scale = (kind: typeof deployment, name: string, replicas: number) =>
    client.patch(kind, { namespace: inside(), name }, 'merge', { spec: { replicas } })
  return [
    () => scale(pick([deployment, deployment, statefulSet] as never[]), pick(['web', 'api', 'db']), between(0, 7)),
    () => scale(deployment, 'lone', between(0, nodes)),
    async () => {
      const image = `app:${between(1, 9)}`
      const patch = { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } }
      await client.patch(pick([deployment, statefulSet, daemonSet] as never[]) as typeof deployment, target(), 'strategic', patch)
    },
    () => client.patch(deployment, target(), 'merge', { spec: { paused: sometimes(0.5) } }),
    async () => {
      const found = await somePod()
      if (!found) return
      const isForced = sometimes(0.3)
      if (isForced) losses.forced(found.metadata.uid)
      await client.remove(pod, named(found), isForced ? { gracePeriodSeconds: 0 } : undefined)
    },
    async () => {
      const found = await somePod()
      if (found) await evict(found)
    },
    async () => drain(await stage.someNode()),
    async () => {
      const found = await somePod()
      if (found) await client.patch(pod, named(found), 'merge', { metadata: { labels: { touched: `${made}` } } })
    },
    () => {
      made += 1
      const { resource, object } = anotherJob(`more-${made}`, inside(), stage.dice)
      return client.create(resource, object as never)
    },
    () => client.patch(job, { namespace: inside(), name: 'work' }, 'merge', { spec: { suspend: sometimes(0.5) } }),
    () => client.remove(job, { namespace: inside(), name: 'work' }, { propagationPolicy: pick(['Background', 'Foreground']) }),
    () => client.patch(cronJob, { namespace: inside(), name: 'tick' }, 'merge', { spec: { suspend: sometimes(0.5) } }),
    () => client.remove(deployment, { namespace: inside(), name: 'api' }, { propagationPolicy: pick(['Background', 'Foreground']) }),
    () => client.remove(namespace, { name: 'gone' }),
  ]
}
