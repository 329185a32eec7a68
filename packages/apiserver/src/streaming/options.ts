import type { Query, StreamSelection } from '@skiff/client'
import { badRequest } from '@skiff/machinery'

/** PodExecOptions and PodAttachOptions, as their query says them. */
export interface ExecRequest {
  readonly container: string
  readonly command: readonly string[]
  readonly streams: StreamSelection
}

const all = (query: Query, name: string): readonly string[] => {
  const value = query[name]
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}

/** apimachinery's reading of a flag: there, and neither "0" nor "false". */
const flag = (query: Query, name: string): boolean => {
  const value = all(query, name)[0]
  return value !== undefined && value !== '0' && value.toLowerCase() !== 'false'
}

/** Reads the query of exec or attach. */
export const parseExecRequest = (query: Query): ExecRequest => {
  const tty = flag(query, 'tty')
  const streams: StreamSelection = {
    stdin: flag(query, 'stdin'),
    stdout: flag(query, 'stdout'),
    // A terminal has one output; upstream drops the request for the other without a word.
    stderr: flag(query, 'stderr') && !tty,
    tty,
  }
  return { container: all(query, 'container')[0] ?? '', command: all(query, 'command'), streams }
}

/** A node's word upstream, and so the last one: throws 400 where nothing would be attached. */
export const checkStreams = ({ stdin, stdout, stderr }: StreamSelection): void => {
  if (!stdin && !stdout && !stderr) throw badRequest('you must specify at least 1 of stdin, stdout, stderr')
}

/** The ports of a port-forward request (only plain WebSocket clients name them); throws 400 for what is no port. */
export const parsePorts = (query: Query): number[] =>
  all(query, 'ports')
    .flatMap((value) => value.split(','))
    .map((text) => {
      const port = Number(text)
      if (!/^\d+$/.test(text) || port > 65_535) throw badRequest(`unable to parse ${JSON.stringify(text)} as a port`)
      if (port < 1) throw badRequest(`port ${JSON.stringify(text)} must be > 0`)
      return port
    })
