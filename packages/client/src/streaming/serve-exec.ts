import type { Env } from '@skiff/machinery'
import { type ExecHandler, endAndFlush, type StreamSelection } from './exec-session.ts'
import { execFailure, execStatus } from './exec-status.ts'
import { isWebSocketUpgrade, type Upgrade } from './refuse-upgrade.ts'
import { serveExecSpdy } from './serve-exec-spdy.ts'
import { serveExecWebSocket } from './serve-exec-websocket.ts'

/**
 * The server side of exec and attach, as a runtime's streaming endpoint has it: SPDY/3.1 (protocols v4 to v1) and WebSocket
 * (v5, v4, older and base64). Resolves when the connection is over. It owns the socket, and answers what it does not take.
 */
export const serveExec = async (upgrade: Upgrade, streams: StreamSelection, run: ExecHandler, env: Env): Promise<void> => {
  const open = isWebSocketUpgrade(upgrade.request) ? serveExecWebSocket : serveExecSpdy
  const connection = await open(upgrade, streams, env)
  if (connection === undefined) return
  const { session } = connection
  let status: { readonly status?: string; readonly message?: string }
  try {
    status = execStatus(await run(session))
  } catch (error) {
    env.log.debug('a command could not be run', { error: String(error) })
    status = execFailure(error)
  }
  await Promise.all([endAndFlush(session.stdout), endAndFlush(session.stderr)])
  await connection.finish(status)
}
