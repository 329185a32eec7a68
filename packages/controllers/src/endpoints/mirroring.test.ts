import { endpointSlice, endpoints, service } from '@skiff/api'
import { expect, test } from 'vitest'
import { testCluster } from '../testing/cluster.ts'
import { endpointSliceMirroringController } from './mirroring.ts'

const target = { namespace: 'a', name: 'db' }

test('Endpoints that a user keeps for a Service without selector are mirrored to slices, and follow', async () => {
  const cluster = testCluster([endpointSliceMirroringController()])
  const subsets = [
    {
      addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }],
      notReadyAddresses: [{ ip: '192.0.2.2' }],
      ports: [{ name: 'sql', port: 5432 }],
    },
  ] as never
  const made = await cluster.client.create(endpoints, { metadata: { ...target, labels: { tier: 'data' } }, subsets })
  await cluster.env.advance(1_000)
  expect(cluster.server.all(endpointSlice)).toEqual([])
  await cluster.client.create(service, { metadata: target, spec: { ports: [{ port: 5432 }] } as never })
  await cluster.env.advance(1_000)
  const slices = () =>
    cluster.server.all(endpointSlice).map(({ addressType, endpoints: list, ports }) => ({ addressType, ports, endpoints: list }))
  const ports = [{ name: 'sql', port: 5432, protocol: 'TCP' }]
  expect(slices()).toEqual(
    expect.arrayContaining([
      {
        addressType: 'IPv4',
        ports,
        endpoints: [
          { addresses: ['192.0.2.1'], conditions: { ready: true } },
          { addresses: ['192.0.2.2'], conditions: { ready: false } },
        ],
      },
      { addressType: 'IPv6', ports, endpoints: [{ addresses: ['2001:db8::1'], conditions: { ready: true } }] },
    ]),
  )
  expect(cluster.server.all(endpointSlice)[0]?.metadata).toMatchObject({
    generateName: 'db-',
    labels: {
      tier: 'data',
      'kubernetes.io/service-name': 'db',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    },
    ownerReferences: [{ kind: 'Endpoints', name: 'db', uid: made.metadata.uid }],
  })
  const held = await cluster.client.get(endpoints, target)
  await cluster.client.update(endpoints, {
    ...held,
    subsets: [{ addresses: [{ ip: '192.0.2.9' }], ports: [{ name: 'sql', port: 5432 }] }] as never,
  })
  await cluster.env.advance(1_000)
  expect(slices()).toEqual([{ addressType: 'IPv4', ports, endpoints: [{ addresses: ['192.0.2.9'], conditions: { ready: true } }] }])
  const now = await cluster.client.get(endpoints, target)
  await cluster.client.update(endpoints, {
    ...now,
    metadata: { ...now.metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
  })
  await cluster.env.advance(1_000)
  expect(slices()).toEqual([])
  await cluster.stop()
})

test('Endpoints of a Service that selects pods are not mirrored', async () => {
  const cluster = testCluster([endpointSliceMirroringController()])
  await cluster.client.create(service, { metadata: target, spec: { selector: { app: 'x' }, ports: [{ port: 1 }] } as never })
  await cluster.client.create(endpoints, { metadata: target, subsets: [{ addresses: [{ ip: '192.0.2.1' }] }] as never })
  await cluster.env.advance(1_000)
  expect(cluster.server.all(endpointSlice)).toEqual([])
  await cluster.stop()
})

test('of a subset with more than a thousand addresses the rest is left out, and told of', async () => {
  const cluster = testCluster([endpointSliceMirroringController()])
  const addresses = Array.from({ length: 1_003 }, (_, at) => ({ ip: `192.0.${2 + (at >> 8)}.${at & 255}` }))
  await cluster.client.create(service, { metadata: target, spec: { ports: [{ port: 5432 }] } as never })
  await cluster.client.create(endpoints, { metadata: target, subsets: [{ addresses, ports: [{ port: 5432 }] }] as never })
  await cluster.env.advance(1_000)
  expect(cluster.server.all(endpointSlice).map((slice) => slice.endpoints.length)).toEqual([1_000])
  expect(cluster.events().map((each) => each.replace(/ x\d+$/, ''))).toEqual([
    'Warning TooManyAddressesToMirror: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 3 addresses were skipped',
  ])
  await cluster.stop()
})
