import { encodeCbor } from './encode.ts'
import { selfDescribed } from './reader.ts'

const begin = Buffer.concat([selfDescribed, Buffer.from([0xa2, 0x44]), Buffer.from('type')])
const middle = Buffer.concat([Buffer.from([0x46]), Buffer.from('object')])

/** One event of a watch as application/cbor-seq has it; `object` is encoded already and keeps its own tag, as upstream's does. */
export const encodeCborEvent = (type: string, object: Uint8Array): Buffer =>
  Buffer.concat([begin, encodeCbor(type).subarray(selfDescribed.length), middle, object])
