import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { systemEnv } from '@skiff/machinery'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runKubectl } from '../program.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skiff-kubeconfig-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const run = async (line: string, files = ['a'], fallback?: string) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const said = Promise.all([text(stdout), text(stderr)])
  const variables = { KUBECONFIG: files.map((name) => join(dir, name)).join(':') }
  const io = { env: systemEnv(), stdin: Readable.from([]), stdout, stderr, variables }
  const code = await runKubectl(line.split(' '), { ...io, fallbackKubeconfig: () => fallback })
  stdout.end()
  stderr.end()
  return [code, (await said).join('')] as const
}

test('a file is made, readable by its owner alone, and holds what was set', async () => {
  await run('config set-cluster c --server=https://x:1')
  await run('config set-context one --cluster=c --user=u --namespace=team')
  await run('config use-context one')
  expect(await run('config current-context')).toEqual([0, 'one\n'])
  expect(statSync(join(dir, 'a')).mode & 0o777).toBe(0o600)
  expect(readFileSync(join(dir, 'a'), 'utf8')).toContain('    namespace: team\n')
})

test('of several files the first that has a name counts and is the one changed', async () => {
  await run('config set-cluster c --server=https://first:1', ['a'])
  await run('config set-cluster c --server=https://second:1', ['b'])
  await run('config set-cluster d --server=https://only:1', ['b'])
  const [, shown] = await run('config view', ['a', 'b'])
  expect(shown).toContain('https://first:1')
  expect(shown).not.toContain('https://second:1')
  await run('config set-cluster d --server=https://changed:1', ['a', 'b'])
  expect(readFileSync(join(dir, 'b'), 'utf8')).toContain('https://changed:1')
})

test('fields and paths that are not understood here stay', async () => {
  writeFileSync(
    join(dir, 'a'),
    'apiVersion: v1\nkind: Config\nusers:\n- name: u\n  user:\n    client-key: key.pem\n    impersonate-more: {a: b}\n',
  )
  await run('config set-credentials u --client-certificate=/elsewhere.pem')
  const kept = readFileSync(join(dir, 'a'), 'utf8')
  expect(kept).toContain('client-key: key.pem\n')
  expect(kept).toContain('impersonate-more:\n')
  expect(kept).toContain('client-certificate: /elsewhere.pem\n')
})

test("this machine's own cluster is shown where no file exists", async () => {
  writeFileSync(join(dir, 'own'), 'apiVersion: v1\nkind: Config\ncurrent-context: here\n')
  expect(await run('config current-context', ['missing'], join(dir, 'own'))).toEqual([0, 'here\n'])
})

test('an unknown verb is told with those that are near', async () => {
  expect(await run('gett pods')).toEqual([1, 'error: unknown command "gett" for "kubectl"\n\nDid you mean this?\n\tset\n\tget\n'])
  expect(await run('zzzzzzz')).toEqual([1, 'error: unknown command "zzzzzzz" for "kubectl"\n'])
})
