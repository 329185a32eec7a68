import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, run, type TestCluster } from './cluster/cluster.ts'
import { isFor, matches, readTranscript } from './kubectl-plane/transcript.ts'

const plane = fileURLToPath(new URL('kubectl-plane', import.meta.url))
const onPath = (await run('sh', ['-c', 'command -v kubectl'])).out.trim()
/** The kubectls beside the PATH's, or that one, by minor version. */
const kubectls = await (async (): Promise<readonly (readonly [minor: number, path: string])[]> => {
  if (!onPath) return []
  const dir = dirname(realpathSync(onPath))
  const beside = readdirSync(dir).flatMap((file) => {
    const minor = Number(/^kubectl\.1\.(\d+)$/.exec(file)?.[1])
    return minor >= 27 && minor <= 33 ? [[minor, join(dir, file)] as const] : []
  })
  if (beside.length > 0) return beside.sort(([a], [b]) => a - b)
  const { out } = await run(onPath, ['version', '--client', '-o', 'json'])
  return [[Number.parseInt((JSON.parse(out) as { clientVersion: { minor: string } }).clientVersion.minor, 10), onPath]]
})()
const transcripts = readdirSync(plane)
  .filter((file) => file.endsWith('.txt'))
  .map((file) => ({ name: file.slice(0, -4), text: readFileSync(join(plane, file), 'utf8') }))

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
        const namespace = `v${minor}-${name}`
        const env = { KUBECONFIG: cluster.kubeconfig, HOME: dir, EDITOR: 'true', KUBECTL: kubectl, NS: namespace }
        const shell = async (command: string): Promise<string> => {
          const { code, out } = await run('sh', ['-c', `cd "$HOME"; k() { "$KUBECTL" -n "$NS" "$@"; }; exec 2>&1; ${command}`], { env })
          return `${out}${out === '' || out.endsWith('\n') ? '' : '\n'}${code === 0 ? '' : `[${code}]\n`}`.replaceAll(namespace, 'NS')
        }
        expect(await shell('k create namespace "$NS"')).toBe('namespace/NS created\n')
        for (const { line, command, expected, fromMinor } of readTranscript(text)) {
          if (minor < fromMinor) continue
          const printed = await shell(command)
          if (!matches(expected, printed))
            expect(printed, `${name}.txt, line ${line}: ${command}`).toBe(expected.map((text) => `${text}\n`).join(''))
        }
      })
    })
})
