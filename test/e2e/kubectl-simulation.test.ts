import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, type TestCluster } from './cluster/cluster.ts'
import { kubectls } from './kubectl-plane/kubectls.ts'
import { playTranscript, transcriptsIn } from './kubectl-plane/session.ts'
import { isFor } from './kubectl-plane/transcript.ts'

const folder = fileURLToPath(new URL('kubectl-simulation', import.meta.url))
// One after the other: they drain and lose nodes.
const sessions = transcriptsIn(folder).flatMap(({ name, text }) =>
  kubectls.filter(([minor]) => isFor(text, minor)).map(([minor, kubectl]) => ({ label: `kubectl-${minor}`, minor, kubectl, name, text })),
)

describe.skipIf(!existsSync(join(folder, '../../../dist/skiff.js')))('nodes as a simulation file has them', { timeout: 100_000 }, () => {
  let cluster: TestCluster
  const dir = mkdtempSync(join(tmpdir(), 'skiff-kubectl-simulation-'))
  beforeAll(async () => {
    cpSync(folder, dir, { recursive: true })
    cluster = await newCluster('kubectl-simulation')
    await cluster.up('--simulation', join(dir, 'simulation.yaml'), '--node-monitor-grace-period', '4s')
  })
  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true })
    expect(await cluster?.remove()).toEqual([])
  })

  test.each(sessions)('$label: $name', async ({ label, minor, kubectl, name, text }) => {
    await playTranscript({ kubectl, minor, kubeconfig: cluster.kubeconfig, dir, namespace: `${label}-${name}` }, name, text)
  })
})
