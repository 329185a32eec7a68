import { SpdyError } from './error.ts'
import { resetStatus, type SpdyFrame, settingInitialWindowSize } from './frames.ts'
import type { Output } from './output.ts'
import { proceed, type SpdyStream, type StreamState } from './stream.ts'
import { refusal, type Streams } from './streams.ts'
import type { Windows } from './windows.ts'

/** What the receiving half knows of its session. */
export interface ReceiverOptions {
  /** The last bit of the ids that this side gives. */
  readonly ownParity: 0 | 1
  readonly maxStreams: number
  readonly onStream: ((stream: SpdyStream) => boolean) | undefined
  readonly output: Output
  readonly streams: Streams
  readonly windows: Windows
  /** The next id this side will give. */
  readonly nextId: () => number
  /** Whether new streams are still taken. */
  readonly isOpen: () => boolean
  readonly onPong: (id: number) => void
  readonly onGoAway: () => void
}

export interface Receiver {
  /** Acts on one frame; throws a SpdyError where the session must end. */
  frame(frame: SpdyFrame): void
  /** The newest stream that the other side has opened. */
  lastSeenId(): number
}

const answer = ({ output }: ReceiverOptions, frame: SpdyFrame): void => {
  if (!output.answer(frame)) throw new SpdyError('protocol', 'the other side does not read its answers')
}

/** A stream that the other side opens. */
const onSynStream = (options: ReceiverOptions, frame: SpdyFrame & { type: 'syn-stream' }): void => {
  const { streams, maxStreams, onStream } = options
  if (!options.isOpen()) return
  if (streams.open.size >= maxStreams || onStream === undefined) {
    answer(options, refusal(frame.streamId))
    return
  }
  const stream = streams.add(frame.streamId, frame.headers)
  if (frame.unidirectional) streams.discardWrites(stream)
  if (!onStream(stream.duplex)) {
    streams.drop(stream)
    stream.duplex.destroy()
    answer(options, refusal(frame.streamId))
    return
  }
  answer(options, { type: 'syn-reply', streamId: frame.streamId, fin: false, headers: new Map() })
  stream.accept() // what the handler has written already goes out now
  if (frame.fin) streams.remoteEnd(stream)
}

const onReset = ({ streams }: ReceiverOptions, stream: StreamState | undefined, status: number): void => {
  if (stream === undefined) return
  if (status === resetStatus.cancel && stream.isAccepted()) {
    // Upstream's server resets all streams of a session that is over, and its client reads that as the end of the stream.
    streams.discardWrites(stream)
    streams.remoteEnd(stream)
    return
  }
  const error = new Error(`the stream was ${stream.isAccepted() ? 'reset' : 'refused'} (status ${status})`)
  streams.drop(stream)
  stream.refuse(error)
  stream.duplex.destroy(error)
}

const proceedAll = ({ streams }: ReceiverOptions): void => {
  for (const stream of streams.open.values()) if (stream.isAccepted()) proceed(stream)
}

const onSettings = (options: ReceiverOptions, sizeBytes: number | undefined): void => {
  if (sizeBytes === undefined) return
  options.windows.settings(sizeBytes, options.streams.open.values())
  proceedAll(options)
}

const onWindowUpdate = (options: ReceiverOptions, streamId: number, deltaBytes: number): void => {
  const stream = options.streams.open.get(streamId)
  if (streamId !== 0 && stream === undefined) return
  options.windows.update(stream, deltaBytes)
  if (stream === undefined) proceedAll(options)
  else if (stream.isAccepted()) proceed(stream)
}

const onReply = ({ streams }: ReceiverOptions, frame: SpdyFrame & { type: 'syn-reply' | 'headers' }): void => {
  const stream = streams.open.get(frame.streamId)
  if (stream === undefined) return
  if (frame.type === 'syn-reply') stream.accept()
  if (frame.fin) streams.remoteEnd(stream)
}

/** Acts on the frames of the other side. */
export const createReceiver = (options: ReceiverOptions): Receiver => {
  const { streams, windows, ownParity } = options
  let lastSeenId = 0

  const opened = (id: number): void => {
    if (id === 0 || id % 2 === ownParity || id <= lastSeenId) throw new SpdyError('protocol', `stream id ${id} is out of order`)
    lastSeenId = id
  }
  const onData = (frame: SpdyFrame & { type: 'data' }): void => {
    const stream = streams.open.get(frame.streamId)
    if (stream === undefined || stream.remoteEnded) {
      // Of a stream that is over, bytes may still be on their way. Of one that never was, they are a mistake.
      const never = frame.streamId % 2 === ownParity ? frame.streamId >= options.nextId() : frame.streamId > lastSeenId
      if (never) throw new SpdyError('protocol', `data for stream ${frame.streamId}, which was never opened`)
      windows.dropped(frame.bytes.length)
      return
    }
    if (frame.bytes.length > 0) streams.deliver(stream, frame.bytes)
    if (frame.fin) streams.remoteEnd(stream)
  }
  return {
    lastSeenId: () => lastSeenId,
    frame(frame) {
      switch (frame.type) {
        case 'data':
          return onData(frame)
        case 'syn-stream':
          opened(frame.streamId)
          return onSynStream(options, frame)
        case 'syn-reply':
        case 'headers':
          return onReply(options, frame)
        case 'rst-stream':
          return onReset(options, streams.open.get(frame.streamId), frame.status)
        case 'settings':
          return onSettings(options, frame.values.get(settingInitialWindowSize))
        case 'window-update':
          return onWindowUpdate(options, frame.streamId, frame.deltaBytes)
        case 'ping':
          return frame.id % 2 === ownParity ? options.onPong(frame.id) : answer(options, frame)
        case 'go-away':
          return options.onGoAway()
      }
    },
  }
}
