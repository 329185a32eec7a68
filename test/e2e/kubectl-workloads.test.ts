import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, type TestCluster } from './cluster/cluster.ts'
import { skiffItself } from './cluster/programs.ts'
import { kubectls } from './kubectl-plane/kubectls.ts'
import { playTranscript, transcriptsIn } from './kubectl-plane/session.ts'
import { isFor } from './kubectl-plane/transcript.ts'

const folder = fileURLToPath(new URL('kubectl-workloads', import.meta.url))
const transcripts = transcriptsIn(folder)
/** Skiff's own verbs say what kubectl 1.33 says. */
const clients = [
  ...kubectls.map(([minor, path]) => ({ client: minor, label: `kubectl 1.${minor}`, minor, path })),
  { client: 'skiff' as const, label: 'skiff', minor: 33, path: skiffItself.line('') },
].flatMap((one) => {
  const own = transcripts.filter(({ text }) => isFor(text, one.client))
  return own.length > 0 ? [{ ...one, own }] : []
})

describe.skipIf(!existsSync(join(folder, '../../../dist/skiff.js')))('workloads on simulated nodes', { timeout: 150_000 }, () => {
  let cluster: TestCluster
  const dir = mkdtempSync(join(tmpdir(), 'skiff-kubectl-workloads-'))
  beforeAll(async () => {
    cpSync(folder, dir, { recursive: true })
    cluster = await newCluster('kubectl-workloads')
    await cluster.up('--simulated-nodes', '2')
  })
  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true })
    expect(await cluster?.remove()).toEqual([])
  })

  for (const { label, minor, path, own } of clients)
    describe.concurrent(label, () => {
      test.each(own)('$name', async ({ name, text }) => {
        const namespace = `${label.replaceAll(/[^a-z0-9]/g, '-')}-${name}`
        await playTranscript({ kubectl: path, minor, kubeconfig: cluster.kubeconfig, dir, namespace }, name, text)
      })
    })
})
