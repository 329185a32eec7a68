import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { files } from './kubectl-words/files.ts'
import { findKubectl, type Said, type Step, startTwoServers, type TwoServers } from './kubectl-words/two-servers.ts'

// Skiff's verbs say what kubectl 1.33 says, byte for byte: each file of steps runs on two equal servers, one by each.

const kubectl = findKubectl()

/** A step a line; ` <<< ` brings standard input, with \n for its lines. `#` begins a remark. */
const stepsOf = (name: string): Step[] =>
  readFileSync(join(import.meta.dirname, 'kubectl-words', `${name}.steps`), 'utf8')
    .split('\n')
    .filter((text) => text.trim() !== '' && !text.startsWith('#'))
    .map((text) => {
      const [line = '', stdin] = text.trim().split(' <<< ')
      return { line, ...(stdin === undefined ? {} : { stdin: stdin.replaceAll('\\n', '\n') }) }
    })

const shown = (line: string, { code, stdout, stderr }: Said): string => `$ kubectl ${line}\n${stdout}${stderr}(${code})`

describe.skipIf(!kubectl)(`the words of kubectl${kubectl ? '' : ' (skipped: no kubectl 1.33 on the PATH)'}`, () => {
  for (const name of ['get', 'apply-create-delete', 'nodes-and-pods', 'config-auth-wait-logs', 'dump'])
    describe(name, () => {
      let two: TwoServers
      beforeAll(async () => {
        two = await startTwoServers(kubectl as string, files)
      })
      afterAll(() => two.close())
      test('both say the same', { timeout: 120_000 }, async () => {
        for (const step of stepsOf(name)) {
          const [theirs, ours] = await Promise.all([two.kubectl(step), two.skiff(step)])
          expect.soft(shown(step.line, ours)).toBe(shown(step.line, theirs))
        }
      })
    })

  test('version', async () => {
    const two = await startTwoServers(kubectl as string, {})
    const equal = (said: Said) => said.stdout.replace(/Client Version: v1\.33\.\S+/, 'Client Version: v1.33')
    const step = { line: 'version' }
    expect(equal(await two.skiff(step))).toBe(equal(await two.kubectl(step)))
    await two.close()
  })
})
