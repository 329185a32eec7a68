import { configMap, pod } from '@skiff/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, run, type TestCluster, until, whyNoCluster } from './cluster/cluster.ts'
import { packWebImages, webManifest } from './cluster/image.ts'

const why = await whyNoCluster()
const rounds = 3
const writers = 8

describe.skipIf(why !== undefined)(`kill -9 of the server under load${why ? ` (skipped: ${why})` : ''}`, () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await newCluster('crash')
    await cluster.up()
    await packWebImages(cluster)
    const applied = await run('kubectl', ['apply', '-f', '-'], { input: webManifest(3), env: { KUBECONFIG: cluster.kubeconfig } })
    expect(applied.code, applied.err).toBe(0)
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  })
  afterAll(async () => {
    expect(await cluster?.remove()).toEqual([])
  })

  /** Container ids and restarts by pod. */
  const containers = async () => {
    const { items } = await (await cluster.client()).list(pod, { namespace: 'default' })
    return items
      .map(({ metadata, status }) => [
        metadata.name,
        status?.containerStatuses?.[0]?.containerID,
        status?.containerStatuses?.[0]?.restartCount,
      ])
      .sort()
  }

  test.each(Array.from({ length: rounds }, (_, round) => round))(
    'round %i: every acknowledged write is there, the same containers run',
    async (round) => {
      const before = await containers()
      const client = await cluster.client()
      const acknowledged = new Map<string, string>()
      let running = true
      const write = async (writer: number): Promise<void> => {
        for (let index = 0; running; index++) {
          const name = `r${round}-w${writer}-${index}`
          const value = `${name} `.repeat(20)
          try {
            await client.create(configMap, { metadata: { name, namespace: 'default' }, data: { value } } as never)
            acknowledged.set(name, value)
            if (index % 3 !== 2) continue
            const held = await client.get(configMap, { namespace: 'default', name })
            await client.update(configMap, { ...held, data: { value: `${value}again` } })
            acknowledged.set(name, `${value}again`)
          } catch {
            return
          }
        }
      }
      const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
      await until('some writes', () => (acknowledged.size > 200 * (round + 1) ? true : undefined))
      process.kill(cluster.pid(), 'SIGKILL')
      await writing
      running = false
      await cluster.up()

      const { items } = await (await cluster.client()).list(configMap, { namespace: 'default' })
      const stored = new Map(items.map(({ metadata, data }) => [metadata.name, data?.value]))
      const lost = [...acknowledged].filter(([name, value]) => stored.get(name) !== value && stored.get(name) !== `${value}again`)
      expect(lost).toEqual([])
      await until('the nodes', async () => ((await cluster.kubectl('get', 'nodes')).includes(' Ready ') ? true : undefined))
      expect(await containers()).toEqual(before)
      await cluster.kubectl('exec', 'deploy/web', '--', 'true')
    },
    120_000,
  )
})
