import type { Env } from '@skiff/machinery'
import { headerList, refuseUpgrade, responseHead, type Upgrade } from './refuse-upgrade.ts'
import { createSpdySession, type SpdySession } from './spdy/session.ts'
import type { SpdyStream } from './spdy/stream.ts'

const protocolHeader = 'X-Stream-Protocol-Version'

/** Which of the protocols that both sides know the client prefers; undefined when it was refused already. */
export const negotiateSpdy = ({ request, socket }: Upgrade, env: Pick<Env, 'after'>, served: readonly string[]): string | undefined => {
  if (request.headers.upgrade?.toLowerCase() !== 'spdy/3.1') {
    refuseUpgrade(socket, env, 400, 'unable to upgrade: missing upgrade headers in request\n')
    return undefined
  }
  const offered = headerList(request, protocolHeader.toLowerCase())
  const chosen = offered.find((protocol) => served.includes(protocol))
  if (chosen !== undefined) return chosen
  if (offered.length === 0) {
    refuseUpgrade(socket, env, 400, `unable to upgrade: ${protocolHeader} is required\n`)
    return undefined
  }
  const text = `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${served.join(' ')}]\n`
  const accepted = served.map((protocol) => ['X-Accepted-Stream-Protocol-Versions', protocol] as const)
  refuseUpgrade(socket, env, 403, text, accepted)
  return undefined
}

/** Answers 101 and speaks SPDY/3.1 as the server. */
export const acceptSpdy = (
  { socket, head }: Upgrade,
  env: Pick<Env, 'after'>,
  protocol: string,
  onStream: (stream: SpdyStream) => boolean,
): SpdySession => {
  socket.write(
    responseHead(101, [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'SPDY/3.1'],
      [protocolHeader, protocol],
    ]),
  )
  return createSpdySession(socket, { role: 'server', env, head, onStream })
}
