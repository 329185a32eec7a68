import type { IncomingMessage } from 'node:http'
import { type FailureStatus, type KubeObject, parseJson, Refusal } from '@skiff/machinery'
import type { Frame, ValueReply } from '../call.ts'

/** All bytes of an answer. */
export const readAll = async (incoming: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
}

const isJson = (contentType: string | undefined): boolean => contentType !== undefined && /^application\/json/.test(contentType)

const isFailure = (value: unknown): value is FailureStatus =>
  typeof value === 'object' &&
  value !== null &&
  (value as { kind?: unknown }).kind === 'Status' &&
  (value as { status?: unknown }).status === 'Failure'

/** The refusal that an answer of code 400 and above tells; what is no Status becomes one with its text. */
export const refusalOf = (code: number, contentType: string | undefined, bytes: Buffer): Refusal => {
  if (isJson(contentType))
    try {
      const value: unknown = parseJson(bytes).value
      if (isFailure(value)) return Refusal.from(value)
    } catch {
      // Told with its text below.
    }
  const text = bytes.toString('utf8').trim()
  if (code === 404) return new Refusal(404, 'NotFound', 'the server could not find the requested resource')
  if (code === 401) return new Refusal(401, 'Unauthorized', 'Unauthorized')
  if (code === 403) return new Refusal(403, 'Forbidden', text || 'forbidden')
  return new Refusal(code, '', text || `the server responded with the status code ${code} but did not return more information`)
}

/** Texts of Warning headers: `299 - "text"`. */
export const warningsOf = (header: string | readonly string[] | undefined): string[] => {
  const text = typeof header === 'string' ? header : (header ?? []).join(', ')
  return [...text.matchAll(/\b299\s+\S+\s+"((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] as string).replace(/\\(.)/g, '$1'))
}

/** The value that an answer holds, decoded where it is JSON. */
export const valueReply = async (incoming: IncomingMessage): Promise<ValueReply> => {
  const bytes = await readAll(incoming)
  const contentType = incoming.headers['content-type']
  const warnings = warningsOf(incoming.headers.warning)
  return {
    status: incoming.statusCode ?? 0,
    bytes,
    ...(contentType ? { contentType } : {}),
    ...(isJson(contentType) && bytes.length > 0 ? { object: parseJson(bytes).value } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  }
}

/** Watch events, one JSON document a line, in the batches in which they arrive. Ends when the server ends it or `signal` aborts. */
export async function* watchFrames(incoming: IncomingMessage, signal: AbortSignal | undefined): AsyncGenerator<readonly Frame[]> {
  let kept: Buffer[] = []
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      const frames: Frame[] = []
      let from = 0
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        const line = Buffer.concat([...kept, chunk.subarray(from, end)])
        kept = []
        from = end + 1
        if (line.length > 0) frames.push(parseJson(line).value as unknown as Frame<KubeObject>)
      }
      if (from < chunk.length) kept.push(chunk.subarray(from))
      if (frames.length > 0) yield frames
    }
  } catch (error) {
    if (!signal?.aborted && !incoming.aborted && (error as { code?: string }).code !== 'ECONNRESET') throw error
  } finally {
    incoming.destroy()
  }
}
