import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { StreamReply } from '@skiff/client'
import { dumpYaml, encodeJson } from '@skiff/machinery'
import { indentedJson } from './indented-json.ts'

/** Up to so many objects a list that is made for its answer is made at once: kubectl asks for 500 at a time. */
export const atOnceObjects = 500

export interface LongList<T> {
  /** The list without its elements: they are an empty list there. */
  readonly shell: unknown
  readonly field: 'items' | 'rows'
  readonly from: readonly T[]
  readonly element: (one: T) => unknown
  readonly encoding: 'json' | 'indented' | 'yaml'
}

/** How a list of some encoding begins and ends, and what an element and what stands between two of them is. */
interface Writing {
  readonly head: string
  readonly tail: string
  readonly between: string
  readonly write: (element: unknown) => string
}

const divided = (text: string, mark: string): readonly [string, string] => {
  const at = text.indexOf(mark)
  return [text.slice(0, at), text.slice(at + mark.length)]
}

const writingOf = ({ shell, field, encoding }: Pick<LongList<unknown>, 'shell' | 'field' | 'encoding'>): Writing => {
  if (encoding === 'yaml') {
    const [head, tail] = divided(dumpYaml(shell), `${field}: []\n`)
    // Within a map a list is not indented: its elements stand there as those of a list alone do.
    return { head: `${head}${field}:\n`, tail, between: '', write: (element) => dumpYaml([element]) }
  }
  if (encoding === 'json') {
    const [head, tail] = divided(encodeJson(shell), `"${field}":[]`)
    return { head: `${head}"${field}":[`, tail: `]${tail}\n`, between: ',', write: encodeJson }
  }
  const [head, tail] = divided(indentedJson(shell), `"${field}": []`)
  const write = (element: unknown) => `\n    ${indentedJson(element).replaceAll('\n', '\n    ')}`
  return { head: `${head}"${field}": [`, tail: `\n  ]${tail}`, between: ',', write }
}

const sliceBytes = 64 * 1024

async function* slicesOf<T>({ head, tail, between, write }: Writing, { from, element }: LongList<T>): AsyncGenerator<Buffer> {
  let text = head
  for (const [index, one] of from.entries()) {
    text += (index > 0 ? between : '') + write(element(one))
    if (text.length < sliceBytes) continue
    yield Buffer.from(text)
    text = ''
    // Others have their turn.
    await setImmediate()
  }
  yield Buffer.from(text + tail)
}

const contentTypes = { json: 'application/json', indented: 'application/json', yaml: 'application/yaml' }

/** A list whose elements are made one by one while its reader takes them, so that it is nowhere as a whole. */
export const streamList = <T>(list: LongList<T>): StreamReply => ({
  status: 200,
  stream: Readable.from(slicesOf(writingOf(list), list), { objectMode: false }),
  contentType: contentTypes[list.encoding],
})
