import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findStaticBusybox } from '@skiff/node'
import type { TestCluster } from './cluster.ts'

const applets = [
  'sh',
  'cat',
  'echo',
  'sleep',
  'id',
  'ls',
  'true',
  'false',
  'nc',
  'tar',
  'httpd',
  'hostname',
  'kill',
  'tty',
  'seq',
  'md5sum',
  'nslookup',
  'test',
  'stty',
  'find',
  'stat',
  'sort',
  'rm',
]

/** First process of a container: ends at once on SIGTERM. */
const serve = `#!/bin/sh
trap 'kill $server; exit 0' TERM
hostname > /www/index.html
httpd -f -p 8080 -h /www &
server=$!
wait $server
`

/** Packs `e2e/web:1` and `e2e/web:2`, which serve their host name on port 8080, into every node of a cluster. */
export const packWebImages = async (cluster: TestCluster): Promise<void> => {
  const dir = await mkdtemp(join(tmpdir(), 'skiff-e2e-image-'))
  try {
    for (const name of ['bin', 'tmp', 'www']) await mkdir(join(dir, name))
    for (const name of ['tmp', 'www']) await chmod(join(dir, name), 0o777)
    await copyFile((await findStaticBusybox()) ?? '', join(dir, 'bin', 'busybox'))
    for (const applet of applets) await symlink('busybox', join(dir, 'bin', applet))
    await writeFile(join(dir, 'bin', 'serve'), serve, { mode: 0o755 })
    for (const tag of ['1', '2'])
      await cluster.skiff(
        ...['image', 'pack', '--from', dir, '--name', `e2e/web:${tag}`, '--cmd', '["serve"]'],
        ...['--env', `VERSION=${tag}`, '--cluster', cluster.name],
      )
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** A Deployment of that image with its Service. */
export const webManifest = (replicas: number, pod = ''): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2${pod}
      containers:
      - name: web
        image: e2e/web:1
        ports: [{containerPort: 8080}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
`
