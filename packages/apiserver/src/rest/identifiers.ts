import { randomBytes, randomUUID } from 'node:crypto'

/** Where the uids of new objects and the ends of generated names come from. */
export interface Identifiers {
  uid(): string
  /** So many bytes by chance. */
  bytes(count: number): Uint8Array
}

const poolBytes = 1024
let pool: Uint8Array = new Uint8Array(0)
let poolAt = 0
/** Taken from a pool: drawing bytes costs a call of the system however few they are. */
const pooledBytes = (count: number): Uint8Array => {
  if (poolAt + count > pool.length) {
    pool = randomBytes(Math.max(poolBytes, count))
    poolAt = 0
  }
  poolAt += count
  return pool.subarray(poolAt - count, poolAt)
}

export const randomIdentifiers: Identifiers = { uid: randomUUID, bytes: pooledBytes }

/** Of a simulation: the same chance gives the same uids and names. `random` is uniform in [0, 1). */
export const seededIdentifiers = (random: () => number): Identifiers => {
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => Math.floor(random() * 256))
  return {
    bytes,
    uid: () => {
      const hex = Buffer.from(bytes(16)).toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
    },
  }
}
