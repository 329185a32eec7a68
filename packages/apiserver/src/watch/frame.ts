import type { Frame } from '@skiff/client'
import type { KubeObject } from '@skiff/machinery'
import type { Entry } from '../registry/entry.ts'

/** A frame whose wire form is shared by all watchers of the same state. */
export interface ServedFrame extends Frame {
  /** The object in stored form, for other representations; absent for bookmarks and errors. */
  readonly entry?: Entry
  /** `{"type":…,"object":…}` and a newline, made once a state and type. */
  readonly encoded?: () => Buffer
}

const frameTail = Buffer.from('}\n')
/** Entry bytes end with a newline, which Go's encoder writes inside the event as well; it is left out as upstream's framer does. */
export const encodeFrame = (type: string, object: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object.subarray(0, -1), frameTail])

export const addedFrame = (entry: Entry): ServedFrame => ({
  type: 'ADDED',
  object: entry.object,
  entry,
  encoded: () => encodeFrame('ADDED', entry.bytes),
})

export const errorFrame = (status: unknown): ServedFrame => ({
  type: 'ERROR',
  object: status as KubeObject,
  encoded: () => encodeFrame('ERROR', Buffer.from(`${JSON.stringify(status)}\n`)),
})
