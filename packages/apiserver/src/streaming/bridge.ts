import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { headerList, isUpgrade, isWebSocketUpgrade, type StreamingTarget, type StreamSelection, tunnelPrefix } from '@skiff/client'
import { badRequest, type Env } from '@skiff/machinery'
import { openSplice } from './raw.ts'
import { openTranslated } from './translate-exec.ts'
import { openTunnel } from './tunnel.ts'

/** A session that the runtime has taken; the client's connection is all that is missing. */
export interface Bridge {
  /** Answers the client's upgrade and carries the session; resolves when it is over. Owns the socket. */
  upgrade(socket: Duplex, head: Uint8Array): Promise<void>
}

export interface BridgeRequest {
  /** The client's request: method, headers. */
  readonly request: IncomingMessage
  /** For exec and attach: what is attached. Absent: port-forward. */
  readonly streams?: StreamSelection
  /** The runtime's one-time URL, and the way there. */
  readonly target: StreamingTarget
  readonly env: Env
  /** Aborts when the client goes away before it was answered. */
  readonly signal?: AbortSignal
}

const keepAliveMs = 30_000

/** What a client asks for, by which its connection is carried. */
export type Carriage = 'raw' | 'translate' | 'tunnel'

/** Throws 400 for a request that is no upgrade; call it before anything is asked of the node. */
export const checkUpgrade = (request: Pick<IncomingMessage, 'headers'>): void => {
  if (!isUpgrade(request)) throw badRequest('Upgrade request required')
}

/**
 * Chooses how a connection is carried. SPDY and older WebSocket protocols are what runtimes speak. v5 is not: it can close standard input
 * alone, so it becomes SPDY. The port-forward tunnel is SPDY already, in a wrapper.
 */
export const carriageOf = (request: Pick<IncomingMessage, 'headers'>, exec: boolean): Carriage => {
  if (!isWebSocketUpgrade(request)) return 'raw'
  const offered = headerList(request, 'sec-websocket-protocol')
  if (exec && offered.includes('v5.channel.k8s.io')) return 'translate'
  return !exec && offered.some((name) => name.startsWith(tunnelPrefix)) ? 'tunnel' : 'raw'
}

/**
 * Opens the runtime's side of exec, attach or port-forward. Throws a Refusal where that fails, so that the client gets an
 * ordinary Status; nothing is written to the client before `upgrade`.
 */
export const openBridge = async ({ request, streams, target, env, signal }: BridgeRequest): Promise<Bridge> => {
  checkUpgrade(request)
  const carriage = carriageOf(request, streams !== undefined)
  const carry = await (carriage === 'translate' && streams !== undefined
    ? openTranslated(streams, target, env, signal)
    : carriage === 'tunnel'
      ? openTunnel(request, target, env, signal)
      : openSplice(request, target, env, signal))
  return {
    upgrade(socket, head) {
      // A client that vanishes without a word is found by the kernel, since nothing may pass for hours.
      if (socket instanceof Socket) socket.setKeepAlive(true, keepAliveMs)
      socket.on('error', () => {})
      return carry({ request, socket, head }).catch((error: unknown) => {
        env.log.warn('a streaming session broke', { error: String(error) })
        socket.destroy()
      })
    },
  }
}

/** Opens the session and takes over the client's connection in one go. Throws only before anything was written to it. */
export const bridge = async (request: BridgeRequest, socket: Duplex, head: Uint8Array): Promise<void> => {
  const opened = await openBridge(request)
  await opened.upgrade(socket, head)
}
