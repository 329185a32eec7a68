import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { administratorToken, type TestServer } from './start.ts'

/** For tests: the first bytes of a watch, until `enough` is satisfied or the watch ends. */
export const watchBytes = async (
  { url }: TestServer,
  path: string,
  enough: (got: Buffer) => boolean,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly bytes: Buffer; readonly contentType: string | undefined }> => {
  const outgoing = request(`${url}${path}`, {
    agent: false,
    rejectUnauthorized: false,
    headers: { authorization: `Bearer ${administratorToken}`, ...headers },
  })
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  let bytes = Buffer.alloc(0)
  for await (const chunk of response) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    if (enough(bytes)) break
  }
  outgoing.destroy()
  return { bytes, contentType: response.headers['content-type'] }
}

/** For tests: the first `count` events of a watch in JSON. */
export const watchLines = async (
  server: TestServer,
  path: string,
  count: number,
  headers?: Readonly<Record<string, string>>,
): Promise<readonly string[]> => {
  const linesOf = (bytes: Buffer) => bytes.toString().split('\n').slice(0, -1)
  const { bytes } = await watchBytes(server, path, (got) => linesOf(got).length >= count, headers)
  return linesOf(bytes).slice(0, count)
}
