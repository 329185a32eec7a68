import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { type ApiServer, noNodes, startApiServer } from '@skiff/apiserver'
import { silentLog, systemEnv } from '@skiff/machinery'
import { openMemoryStore } from '@skiff/store'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runKubectl } from '../program.ts'

// The words expected here are those that kubectl 1.33 said to the same commands.

const dir = mkdtempSync(join(tmpdir(), 'skiff-verbs-'))
const env = systemEnv(silentLog)
const store = openMemoryStore()
let server: ApiServer
let edits = 0

beforeAll(async () => {
  server = await startApiServer({
    ...{ store, env, pkiDir: join(dir, 'pki'), host: '127.0.0.1', port: 0, nodes: noNodes },
    ...{ advertiseAddress: '10.99.0.1', serviceCidr: '10.96.0.0/16' },
    tokens: [
      (token) =>
        token === 'admin' ? { identity: { name: 'admin', groups: ['system:masters'] }, untilMs: Number.POSITIVE_INFINITY } : undefined,
    ],
  })
})
afterAll(async () => {
  await server.close()
  await store.close()
  rmSync(dir, { recursive: true, force: true })
})

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

const run = async (
  line: string | readonly string[],
  options: { readonly stdin?: string; readonly editor?: string } = {},
): Promise<Said> => {
  const words = typeof line === 'string' ? line.split(' ') : line
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const connection = [`--server=https://127.0.0.1:${server.port}`, '--token=admin', '--insecure-skip-tls-verify', '--kubeconfig=/dev/null']
  const code = await runKubectl([...words, ...connection], {
    ...{ fallbackKubeconfig: () => undefined, env, stdout, stderr, stdin: Readable.from([options.stdin ?? '']) },
    variables: { EDITOR: options.editor },
  })
  const text = (stream: PassThrough): string => String(stream.read() ?? '')
  return { code, out: text(stdout), err: text(stderr) }
}

/** A script that edits as a user would; it gets the file as $1. */
const editorOf = (script: string): string => {
  const file = join(dir, `editor-${edits++}`)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  return file
}

test('set says what it changed, and nothing where nothing changed', async () => {
  await run('create deployment web --image=x:1')
  expect(await run('set image deploy/web x=x:2')).toEqual({ code: 0, out: 'deployment.apps/web image updated\n', err: '' })
  expect(await run('set image deploy/web x=x:2')).toEqual({ code: 0, out: '', err: '' })
  expect((await run('set image deploy/web nope=x')).err).toBe('error: unable to find container named "nope"\n')
  expect((await run('set env deploy/web A=1 B=2')).out).toBe('deployment.apps/web env updated\n')
  expect((await run('set env deploy/web A- B=3')).out).toBe('deployment.apps/web env updated\n')
  expect((await run('set env deploy/web --list')).out).toBe('# Deployment web, container x\nB=3\n')
  expect((await run('set env deploy/web B=9 --overwrite=false')).err).toBe(
    "error: deployments/web 'B' already has a value (3), and --overwrite is false\n",
  )
  expect((await run('set resources deploy/web --limits=cpu=1000m --requests=memory=1Gi')).out).toBe(
    'deployment.apps/web resource requirements updated\n',
  )
  expect((await run('set serviceaccount deploy/web robot')).out).toBe('deployment.apps/web serviceaccount updated\n')
  const path =
    '-o=jsonpath={.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].resources} {.spec.template.spec.serviceAccountName}'
  expect((await run(['get', 'deploy', 'web', path])).out).toBe('x:2 {"limits":{"cpu":"1"},"requests":{"memory":"1Gi"}} robot')
})

test('set selector and subject', async () => {
  await run('create service clusterip web --clusterip=None')
  expect((await run('set selector svc/web a=b,c=d')).out).toBe('service/web selector updated\n')
  expect((await run('set selector deploy/web a=b')).err).toBe('error: setting a selector is only supported for Services\n')
  await run('create rolebinding rb --role=r --user=a')
  expect((await run('set subject rolebinding/rb --user=b --serviceaccount=:s')).out).toBe(
    'rolebinding.rbac.authorization.k8s.io/rb subjects updated\n',
  )
  expect((await run(['get', 'rolebinding', 'rb', '-o=jsonpath={.subjects[*].name} {.subjects[2].namespace}'])).out).toBe('a b s default')
})

test('edit: unchanged, changed, refused and mended', async () => {
  expect((await run('edit deploy/web', { editor: 'true' })).err).toBe('Edit cancelled, no changes made.\n')
  const scale = editorOf('sed -i "s/replicas: 1/replicas: 2/" "$1"')
  expect(await run('edit deploy/web', { editor: scale })).toEqual({ code: 0, out: 'deployment.apps/web edited\n', err: '' })
  const seen = join(dir, 'seen')
  const mend = editorOf(
    `if grep -q 'was not valid' "$1"; then cp "$1" ${seen}; sed -i 's/: -2/: 3/' "$1"; else sed -i 's/replicas: 2/replicas: -2/' "$1"; fi`,
  )
  const mended = await run('edit deploy/web', { editor: mend })
  expect(mended).toEqual({ code: 0, out: 'deployment.apps/web edited\n', err: 'error: deployments.apps "web" is invalid\n' })
  expect(readFileSync(seen, 'utf8').split('\n').slice(0, 8)).toEqual([
    "# Please edit the object below. Lines beginning with a '#' will be ignored,",
    '# and an empty file will abort the edit. If an error occurs while saving this file will be',
    '# reopened with the relevant failures.',
    '#',
    '# deployments.apps "web" was not valid:',
    '# * spec.replicas: Invalid value: -2: must be greater than or equal to 0',
    '#',
    'apiVersion: apps/v1',
  ])
  const stubborn = await run('edit deploy/web', { editor: editorOf('sed -i "s/replicas: 3/replicas: -4/" "$1"') })
  expect(stubborn.err).toMatch(
    /^error: deployments.apps "web" is invalid\nA copy of your changes has been stored to "[^"]+"\nerror: Edit cancelled, no valid changes were saved.\n$/,
  )
  rmSync(join(stubborn.err.split('"')[3] as string, '..'), { recursive: true })
})

test('rollout: pause, resume, restart, status, undo', async () => {
  expect((await run('rollout pause deploy/web')).out).toBe('deployment.apps/web paused\n')
  expect((await run('rollout pause deploy/web')).err).toBe('error: deployments.apps "web" is already paused\n')
  expect((await run('rollout restart deploy/web')).err).toBe(
    'error: deployments.apps "web" can\'t restart paused deployment (run rollout resume first)\n',
  )
  expect((await run('rollout resume deploy/web')).out).toBe('deployment.apps/web resumed\n')
  expect((await run('rollout restart deploy/web')).out).toBe('deployment.apps/web restarted\n')
  expect((await run('rollout status deploy/web --watch=false')).out).toBe('Waiting for deployment spec update to be observed...\n')
  expect((await run('rollout undo deploy/web --to-revision=9')).err).toBe('error: unable to find specified revision 9 in history\n')
  expect((await run('rollout history svc/web')).err).toBe(
    'error: error retrieving history for "Service", no visitor method exists for { Service}\n',
  )
})

test('explain a field', async () => {
  expect((await run('explain deploy.spec.strategy.rollingUpdate')).out).toContain(
    'GROUP:      apps\nKIND:       Deployment\nVERSION:    v1\n\nFIELD: rollingUpdate <RollingUpdateDeployment>\n\n\nDESCRIPTION:\n',
  )
  expect((await run('explain deploy.spec --recursive')).out).toContain(
    '\n    rollingUpdate\t<RollingUpdateDeployment>\n      maxSurge\t<IntOrString>\n',
  )
  expect(await run('explain pods.spec.nope')).toEqual({
    ...{ code: 1, out: 'KIND:       Pod\nVERSION:    v1\n\n', err: 'error: field "nope" does not exist\n' },
  })
})

test('events of all and of one', async () => {
  expect((await run('events')).err).toBe('No events found in default namespace.\n')
  const about = { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'default' }
  const first = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, involvedObject: about, type: 'Warning', reason: 'BackOff' }
  const event = { ...first, message: ' again\n', count: 3, firstTimestamp: '2020-01-01T00:00:00Z', lastTimestamp: '2020-06-01T00:00:00Z' }
  await run('create -f -', { stdin: JSON.stringify(event) })
  const { out } = await run('events --for pod/p')
  expect(out.replace(/^\S+ \(x3 over \S+\)/m, 'AGES')).toMatch(
    /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\nAGES +Warning +BackOff +Pod\/p +again\n$/,
  )
  expect((await run('events --for pod/other')).err).toBe('No events found in default namespace.\n')
  expect((await run('events --types=Odd')).err).toBe('error: valid --types are Normal or Warning\n')
})
