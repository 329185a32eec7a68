import { lease } from '@skiff/api'
import { survives } from '../testing/adversity.ts'
import { storageVersionController, storageVersions } from './storageversions.ts'

const identity = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' }

survives('what servers wrote that are gone is forgotten, over lost, repeated and reordered calls', {
  controllers: () => [storageVersionController(() => [storageVersions])],
  options: { extra: [storageVersions] },
  happens: async ({ client, live }) => {
    for (const name of ['a', 'b', 'c'])
      await client.create(lease, { metadata: { namespace: 'kube-system', name, labels: identity }, spec: {} })
    const add = async (name: string, ...entries: readonly (readonly [string, string])[]) => {
      const made = await client.create(storageVersions, { metadata: { name } })
      const written = entries.map(([apiServerID, encodingVersion]) => ({ apiServerID, encodingVersion }))
      await client.update(storageVersions, { ...made, status: { storageVersions: written } }, { subresource: 'status' })
    }
    await add('both', ['a', 'v1'], ['b', 'v2'])
    await add('left', ['b', 'v1'])
    await add('other', ['a', 'v1'], ['c', 'v1'], ['nobody', 'v1'])
    await live(10_000)
    await client.remove(lease, { namespace: 'kube-system', name: 'b' })
    await live(10_000)
  },
  end: ({ server }) =>
    server
      .all(storageVersions)
      .map(({ metadata, status }) => [
        metadata.name,
        status?.storageVersions?.map(({ apiServerID }) => apiServerID),
        status?.commonEncodingVersion,
        status?.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`),
      ]),
  expected: [
    ['both', ['a'], 'v1', ['AllEncodingVersionsEqual True CommonEncodingVersionSet']],
    ['other', ['a', 'c'], 'v1', ['AllEncodingVersionsEqual True CommonEncodingVersionSet']],
  ],
})
