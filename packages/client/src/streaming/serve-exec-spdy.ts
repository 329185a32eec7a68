import type { Env } from '@skiff/machinery'
import { type ExecConnection, endAndFlush, type StreamSelection, sizeKeeper } from './exec-session.ts'
import type { Upgrade } from './refuse-upgrade.ts'
import { acceptSpdy, negotiateSpdy } from './serve-spdy.ts'
import type { SpdyStream } from './spdy/stream.ts'
import { terminalSizes } from './terminal-size.ts'

/** The remote command protocols over SPDY. v2 closes streams rightly, v3 adds sizes, v4 the Status. */
export const remoteCommandProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const

/** How long a client may take to open its streams. */
const streamCreationMs = 30_000

const expectedStreams = (protocol: string, streams: StreamSelection): Set<string> => {
  const expected = new Set(['error'])
  for (const name of ['stdin', 'stdout'] as const) if (streams[name]) expected.add(name)
  if (streams.stderr && !streams.tty) expected.add('stderr')
  if (streams.tty && (protocol.startsWith('v4.') || protocol.startsWith('v3.'))) expected.add('resize')
  return expected
}

/** Waits for the client's streams. Undefined: it was refused, went away, or did not open them in time. */
export const serveExecSpdy = async (upgrade: Upgrade, streams: StreamSelection, env: Env): Promise<ExecConnection | undefined> => {
  const protocol = negotiateSpdy(upgrade, env, remoteCommandProtocols)
  if (protocol === undefined) return undefined
  const expected = expectedStreams(protocol, streams)
  const opened = new Map<string, SpdyStream>()
  const ready = Promise.withResolvers<boolean>()
  const session = acceptSpdy(upgrade, env, protocol, (stream) => {
    const kind = stream.headers.get('streamtype') ?? ''
    if (!expected.has(kind) || opened.has(kind)) return false
    opened.set(kind, stream)
    if (opened.size === expected.size) ready.resolve(true)
    return true
  })
  const gone = new AbortController()
  void session.closed.then(() => {
    gone.abort()
    ready.resolve(false)
  })
  const cancel = env.after(streamCreationMs, () => ready.resolve(false))
  const complete = await ready.promise
  cancel()
  if (!complete) {
    session.close()
    return undefined
  }
  const sizes = sizeKeeper()
  opened.get('resize')?.pipe(terminalSizes(sizes.put))
  for (const kind of ['stdout', 'stderr', 'error']) opened.get(kind)?.resume() // nothing comes on these but their end
  const [stdin, stdout, stderr, errors] = ['stdin', 'stdout', 'stderr', 'error'].map((kind) => opened.get(kind))
  return {
    session: {
      ...(stdin ? { stdin } : {}),
      ...(stdout ? { stdout } : {}),
      ...(stderr ? { stderr } : {}),
      tty: streams.tty,
      onResize: sizes.onResize,
      signal: gone.signal,
    },
    async finish(status) {
      if (protocol.startsWith('v4.')) errors?.write(JSON.stringify(status))
      else if (status.status !== 'Success') errors?.write(status.message ?? '')
      await endAndFlush(errors)
      session.close()
      await session.closed
    },
  }
}
