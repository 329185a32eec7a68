import { transcode, type WireFormat } from '@skiff/api'
import { UserError } from './talk.ts'

/** `skiff codec --from FORM --to FORM`: one object from `input` to `output`, in upstream's bytes. */
export const codec = async (
  from: WireFormat,
  to: WireFormat,
  input: AsyncIterable<Uint8Array>,
  output: { write(bytes: Uint8Array): unknown },
): Promise<void> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of input) chunks.push(chunk)
  output.write(transcoded(Buffer.concat(chunks), from, to))
}

const transcoded = (bytes: Uint8Array, from: WireFormat, to: WireFormat): Buffer => {
  try {
    return transcode(bytes, from, to)
  } catch (error) {
    throw new UserError((error as Error).message)
  }
}
