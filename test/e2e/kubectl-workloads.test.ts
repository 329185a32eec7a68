import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, run, type TestCluster } from './cluster/cluster.ts'
import { matches, readTranscript } from './kubectl-plane/transcript.ts'

const folder = fileURLToPath(new URL('kubectl-workloads', import.meta.url))
const kubectl = (await run('sh', ['-c', 'command -v kubectl'])).out.trim()
const transcripts = readdirSync(folder)
  .filter((file) => file.endsWith('.txt'))
  .map((file) => ({ name: file.slice(0, -4), text: readFileSync(join(folder, file), 'utf8') }))

describe.skipIf(kubectl === '').concurrent('kubectl and workloads', { timeout: 150_000 }, () => {
  let cluster: TestCluster
  const dir = mkdtempSync(join(tmpdir(), 'skiff-kubectl-workloads-'))
  beforeAll(async () => {
    cpSync(folder, dir, { recursive: true })
    cluster = await newCluster('kubectl-workloads')
    await cluster.up('--simulated-nodes', '4')
    // Of the session about nodes alone.
    await cluster.kubectl('taint', 'node', 'node-1', 'for=nodes:NoSchedule')
  })
  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true })
    expect(await cluster?.remove()).toEqual([])
  })

  test.each(transcripts)('$name', async ({ name, text }) => {
    const env = { KUBECONFIG: cluster.kubeconfig, HOME: dir, KUBECTL: kubectl, NS: name }
    const shell = async (command: string): Promise<string> => {
      const { code, out } = await run('sh', ['-c', `cd "$HOME"; k() { "$KUBECTL" -n "$NS" "$@"; }; exec 2>&1; ${command}`], { env })
      return `${out}${out === '' || out.endsWith('\n') ? '' : '\n'}${code === 0 ? '' : `[${code}]\n`}`
    }
    expect(await shell('k create namespace "$NS"')).toBe(`namespace/${name} created\n`)
    for (const { line, command, expected } of readTranscript(text)) {
      const printed = await shell(command)
      if (!matches(expected, printed))
        expect(printed, `${name}.txt, line ${line}: ${command}`).toBe(expected.map((each) => `${each}\n`).join(''))
    }
  })
})
