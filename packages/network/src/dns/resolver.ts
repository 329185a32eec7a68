import { decode } from 'dns-packet'
import { answer } from './answer.ts'
import { decodeQuery, type Query } from './query.ts'
import type { Records } from './records.ts'
import { type Answer, encodeError, encodeReply, limitFor } from './reply.ts'
import type { Forwarder } from './upstream/forward.ts'
import { forwardedQuery, forwardKey, ownQuery, replyFrom, type Upstream } from './upstream/message.ts'
import { addressBytes, addressRr, encodeName, nameRr, RCODE, type Rr, TYPE } from './wire.ts'

/** The reply to one packet. A promise only where another server must be asked; undefined when nothing is to be said. */
export type Resolver = (packet: Buffer, overTcp: boolean) => Buffer | undefined | Promise<Buffer>

/** Joins the cluster's records with the servers beyond it. */
export const createResolver = (records: Records, forwarder: Forwarder): Resolver => {
  let turn = 0
  return (packet, overTcp) => {
    const query = decodeQuery(packet)
    if (query === undefined) return undefined
    if ('rcode' in query) return encodeError(packet, query)
    const local = answer(query, records)
    if (local === undefined) return forward(packet, query, overTcp, forwarder)
    turn = (turn + 1) % 0x10000
    if (local.elsewhere === undefined) return encodeReply(packet, query, local, limitFor(query, overTcp), turn)
    return complete(local, local.elsewhere, query.type, forwarder).then((whole) =>
      encodeReply(packet, query, whole, limitFor(query, overTcp)),
    )
  }
}

const forward = (packet: Buffer, query: Query, overTcp: boolean, forwarder: Forwarder): Buffer | Promise<Buffer> => {
  const fail = (rcode: number) => encodeError(packet, { ...query, rcode })
  if (forwarder.cameBack(query.name)) return fail(RCODE.refused)
  const key = forwardKey(query)
  const limit = limitFor(query, overTcp)
  const known = forwarder.known(key)
  if (known !== undefined) return replyFrom(known.upstream, packet, query, known.ageSeconds, limit)
  return forwarder
    .ask(key, forwardedQuery(packet, query), overTcp)
    .then((said) => (said === undefined ? fail(RCODE.serverFailure) : replyFrom(said.upstream, packet, query, said.ageSeconds, limit)))
}

/** Adds the addresses of the name that an ExternalName service leads to. Without them the alias alone is the answer. */
const complete = async (local: Answer, target: string, type: number, forwarder: Forwarder): Promise<Answer> => {
  const name = encodeName(target)
  if (name === undefined) return local
  const key = `${target} ${type} own`
  const said = forwarder.known(key) ?? (await forwarder.ask(key, ownQuery(name, type), false))
  return said === undefined ? local : { ...local, answers: [...local.answers, ...recordsFrom(said.upstream, type, said.ageSeconds)] }
}

/** The records of an upstream reply that continue an alias, written out in full, since their compressed names point into that reply. */
const recordsFrom = ({ message }: Upstream, type: number, ageSeconds: number): Rr[] => {
  try {
    return (decode(message).answers ?? []).flatMap((one) => {
      const name = encodeName(one.name)
      if (name === undefined) return []
      const ttlSeconds = 'ttl' in one ? Math.max(0, (one.ttl ?? 0) - ageSeconds) : 0
      if (one.type === 'CNAME') return continued(encodeName(one.data), name, ttlSeconds)
      if (one.type !== (type === TYPE.A ? 'A' : 'AAAA')) return []
      const bytes = addressBytes(one.data)
      return bytes === undefined ? [] : [addressRr(bytes, ttlSeconds, name)]
    })
  } catch {
    return []
  }
}

const continued = (target: Buffer | undefined, name: Buffer, ttlSeconds: number): Rr[] =>
  target === undefined ? [] : [{ ...nameRr(TYPE.CNAME, target, ttlSeconds), name }]
