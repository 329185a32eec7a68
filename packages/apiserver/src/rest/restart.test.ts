import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { job, node, pod, service, serviceAccount, statefulSet } from '@skiff/api'
import { virtualEnv } from '@skiff/client'
import { openMemoryStore } from '@skiff/store'
import { expect, onTestFinished, test } from 'vitest'
import { noNodes } from '../parts/node-directory.ts'
import { loopbackIdentity, startApiServer } from '../server.ts'

const container = { name: 'main', image: 'app:1' }
const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [container] } }
const claims = [{ metadata: { name: 'd' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }]
const drafts = [
  [serviceAccount, {}],
  [pod, { spec: { ...template.spec, serviceAccountName: 'x' } }],
  [job, { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } }],
  [statefulSet, { spec: { selector: { matchLabels: { app: 'x' } }, serviceName: 'x', template, volumeClaimTemplates: claims } }],
  [service, { spec: { ports: [{ port: 80 }] } }],
  [node, {}],
] as never as readonly (readonly [typeof pod, object])[]

test('what a server before this one stored can be changed: fields that were written for being unset are unset', async () => {
  const pkiDir = mkdtempSync(join(tmpdir(), 'skiff-restart-'))
  onTestFinished(() => rmSync(pkiDir, { recursive: true }))
  const network = { host: '127.0.0.1', port: 0, advertiseAddress: '127.0.0.1', serviceCidr: '10.96.0.0/16' }
  const store = openMemoryStore()
  const open = () => startApiServer({ store, env: virtualEnv(), pkiDir, ...network, nodes: noNodes })
  const before = await open()
  const held: unknown[] = []
  for (const [resource, draft] of drafts) {
    const metadata = { name: 'x', ...(resource.namespaced ? { namespace: 'default' } : {}) }
    await before.client(loopbackIdentity).create(resource, { metadata, ...draft } as never)
    held.push(await before.client(loopbackIdentity).get(resource, metadata))
  }
  await before.close()
  const after = await open()
  onTestFinished(() => after.close())
  const client = after.client(loopbackIdentity)
  for (const [index, [resource]] of drafts.entries()) {
    const where = { name: 'x', ...(resource.namespaced ? { namespace: 'default' } : {}) }
    const found = await client.get(resource, where)
    expect(found.spec).toEqual((held[index] as typeof found).spec)
    const { metadata } = await client.patch(resource, where, 'merge', { metadata: { labels: { changed: 'yes' } } })
    expect(metadata.labels).toMatchObject({ changed: 'yes' })
  }
})
