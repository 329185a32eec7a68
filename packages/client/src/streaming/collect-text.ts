import { Writable } from 'node:stream'

/** A Writable that keeps the first `limitBytes` it is given, for a message that will be read as a whole. */
export const collectText = (limitBytes: number): { readonly sink: Writable; readonly text: () => string } => {
  const chunks: Buffer[] = []
  let bytes = 0
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const kept = chunk.subarray(0, limitBytes - bytes)
      bytes += kept.length
      if (kept.length > 0) chunks.push(kept)
      done()
    },
  })
  return { sink, text: () => Buffer.concat(chunks).toString('utf8') }
}
