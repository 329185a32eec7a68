import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { endpointSlice, node, pod, service, serviceAccount } from '@skiff/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'
import type { NodeConnection, NodeDirectory } from './node-directory.ts'

const dialled: string[] = []
const backend = createServer((request, response) => response.end(request.url))
const nodes: NodeDirectory = {
  connection: (name) =>
    name === 'n1'
      ? ({
          dial: async (host: string, port: number) => {
            dialled.push(`${host}:${port}`)
            return connect((backend.address() as AddressInfo).port, '127.0.0.1')
          },
        } as unknown as NodeConnection)
      : undefined,
}
let server: TestServer

beforeAll(async () => {
  await once(backend.listen(0, '127.0.0.1'), 'listening')
  server = await startTestServer({ more: { nodes } })
  const { near } = server
  await near.create(serviceAccount, { metadata: { name: 'default', namespace: 'default' } })
  await near.create(node, {
    metadata: { name: 'n1' },
    status: { addresses: [{ type: 'InternalIP', address: '10.9.9.9' }], daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } },
  } as never)
  await near.create(pod, {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      nodeName: 'n1',
      containers: [
        { name: 'c', image: 'i' },
        { name: 'd', image: 'i', ports: [{ containerPort: 8080 }] },
      ],
    },
  } as never)
  const web = await near.get(pod, { namespace: 'default', name: 'web' })
  await near.update(pod, { ...web, status: { ...web.status, podIP: '10.0.0.5' } }, { subresource: 'status' })
  await near.create(pod, {
    metadata: { name: 'waiting', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  } as never)
  await near.create(service, {
    metadata: { name: 'idle', namespace: 'default' },
    spec: { clusterIP: 'None', ports: [{ port: 80 }] },
  } as never)
  await near.create(service, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  } as never)
  await near.create(endpointSlice, {
    metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: [
      { addresses: ['10.0.0.8'], nodeName: 'n1', conditions: { ready: false } },
      { addresses: ['10.0.0.7'], nodeName: 'n1' },
    ],
  } as never)
})
afterAll(async () => {
  await server.close()
  backend.close()
})

const get = async (path: string): Promise<string> => {
  const { status, text } = await server.raw('GET', `/api/v1/${path}`)
  return `${status} ${text.startsWith('{') ? JSON.parse(text).message : text}`
}

test.each([
  ['namespaces/default/pods/web/proxy/a/b?c=d', '10.0.0.5:8080', '200 /a/b?c=d'],
  ['namespaces/default/pods/web:81/proxy/%2Fx', '10.0.0.5:81', '200 /%2Fx'],
  ['namespaces/default/services/web:http/proxy/', '10.0.0.7:8080', '200 /'],
  ['namespaces/default/services/http:web:80/proxy/x', '10.0.0.7:8080', '200 /x'],
  ['nodes/n1/proxy/metrics', '10.9.9.9:10250', '200 /metrics'],
  ['nodes/n1:9100/proxy/metrics', '10.9.9.9:9100', '200 /metrics'],
])('%s reaches %s', async (path, host, answer) => {
  dialled.length = 0
  expect(await get(path)).toBe(answer)
  expect(dialled).toEqual([host])
})

test.each([
  ['namespaces/default/pods/web:1:2:3/proxy/', '400 invalid pod request "web:1:2:3"'],
  ['namespaces/default/pods/ftp:web:21/proxy/', '400 invalid pod request "ftp:web:21"'],
  ['namespaces/default/pods/none/proxy/', '404 pods "none" not found'],
  ['namespaces/default/pods/waiting/proxy/', '400 address not allowed'],
  ['namespaces/default/services/web/proxy/', '503 no endpoints available for service "web"'],
  ['namespaces/default/services/web:81/proxy/', '503 no service port 81 found for service "web"'],
  ['namespaces/default/services/idle:80/proxy/', '503 no endpoints available for service "idle"'],
])('%s is refused', async (path, answer) => {
  dialled.length = 0
  expect(await get(path)).toBe(answer)
  expect(dialled).toEqual([])
})
