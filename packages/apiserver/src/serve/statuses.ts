import type { ValueReply } from '@skiff/client'
import type { FailureStatus } from '@skiff/machinery'
import { formOrNone } from '../represent/accept.ts'
import { indentedJson } from '../represent/indented-json.ts'
import { encoded, isPretty } from '../represent/represent.ts'
import type { Incoming } from './messages.ts'

const cborAllowed = new WeakSet<Incoming>()

/** Marks a request of a server that serves CBOR. */
export const allowCbor = (incoming: Incoming): void => {
  cborAllowed.add(incoming)
}
export const servesCbor = (incoming: Incoming): boolean => cborAllowed.has(incoming)

/** Whether a request without a call wants indented JSON. */
export const wantsPretty = ({ url = '', headers }: Incoming): boolean => {
  const mark = url.includes('pretty') ? url.indexOf('?') : -1
  const asked = mark < 0 ? undefined : (new URLSearchParams(url.slice(mark + 1)).get('pretty') ?? undefined)
  return isPretty(asked, headers['user-agent'])
}

/** A Status as its caller wants it; one who accepts nothing that there is gets indented JSON. */
export const statusReply = (incoming: Incoming, status: FailureStatus): ValueReply => {
  const { accept } = incoming.headers
  const form = formOrNone(accept, { of: 'plain', cbor: servesCbor(incoming) })
  if (!form) return { status: status.code, bytes: Buffer.from(indentedJson(status)) }
  const pretty = form.encoding === 'json' && (form.pretty || wantsPretty(incoming))
  return encoded(status, pretty ? { ...form, pretty } : form, status.code)
}
