import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, type TestCluster } from './cluster/cluster.ts'
import { kubectls } from './kubectl-plane/kubectls.ts'
import { playTranscript, transcriptsIn } from './kubectl-plane/session.ts'
import { isFor } from './kubectl-plane/transcript.ts'

const plane = fileURLToPath(new URL('kubectl-plane', import.meta.url))
const transcripts = transcriptsIn(plane)

describe.skipIf(kubectls.length === 0)('kubectl and a control plane alone', { timeout: 120_000 }, () => {
  let cluster: TestCluster
  const dir = mkdtempSync(join(tmpdir(), 'skiff-kubectl-plane-'))
  beforeAll(async () => {
    cpSync(plane, dir, { recursive: true })
    cluster = await newCluster('kubectl-plane')
    await cluster.up('--control-plane-only')
  })
  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true })
    expect(await cluster?.remove()).toEqual([])
  })

  for (const [minor, kubectl] of kubectls)
    describe.concurrent(`kubectl 1.${minor}`, () => {
      test.each(transcripts.filter(({ text }) => isFor(text, minor)))('$name', async ({ name, text }) => {
        await playTranscript({ kubectl, minor, kubeconfig: cluster.kubeconfig, dir, namespace: `v${minor}-${name}` }, name, text)
      })
    })
})
