import { expect, test } from 'vitest'
import { codec } from './codec-command.ts'

const run = async (chunks: readonly string[], from: 'json' | 'yaml', to: 'json' | 'cbor' | 'yaml'): Promise<string> => {
  const written: Uint8Array[] = []
  const input = async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk)
  }
  await codec(from, to, input(), { write: (bytes) => written.push(bytes) })
  return Buffer.concat(written).toString('latin1')
}

test('from input to output', async () => {
  expect(await run(['apiVersion: v1\nki', 'nd: Namespace\n'], 'yaml', 'json')).toBe(
    '{"kind":"Namespace","apiVersion":"v1","metadata":{"creationTimestamp":null},"spec":{},"status":{}}\n',
  )
  expect(await run(['{"apiVersion":"x/v1","kind":"A"}'], 'json', 'cbor')).toBe('\xd9\xd9\xf7\xa2DkindAAJapiVersionDx/v1')
})

test('what is no object is a plain sentence', async () => {
  await expect(run(['{}'], 'json', 'yaml')).rejects.toThrow("Object 'Kind' is missing in '{}'")
})
