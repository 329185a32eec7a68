import { connect } from 'node:net'
import type { TCPSocketAction } from '@skiff/api'
import { dialError, failure, joinHostPort, type ProbeOutcome, type ProbeTarget, portOf, success } from './probe-result.ts'

/** A connection that opens is a success. */
export const tcpProbe = (action: TCPSocketAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> => {
  const host = action.host || target.podIp
  const port = portOf(action.port, target.container)
  const address = joinHostPort(host, port)
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (outcome: ProbeOutcome) => {
      socket.destroy()
      resolve(outcome)
    }
    socket.once('connect', () => end(success()))
    socket.once('timeout', () => end(failure(`dial tcp ${address}: i/o timeout`)))
    socket.once('error', (error) => end(failure(dialError(error, address))))
  })
}
