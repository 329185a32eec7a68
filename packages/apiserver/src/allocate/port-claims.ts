import type { Env } from '@skiff/machinery'
import type { Change, Store } from '@skiff/store'

/** Node ports, both ends included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

export const portRangeText = ({ first, last }: PortRange): string => `${first}-${last}`
/** Reads `30000-32767`; undefined for what is no range of ports. */
export const parsePortRange = (text: string): PortRange | undefined => {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text)
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  return match && first > 0 && first <= last && last <= 65_535 ? { first, last } : undefined
}

export const portTaken = 'provided port is already allocated'
export const portRangeFull = 'range is full'

/** The node ports in use by all servers of a store: a key each, so that no two Services get one whatever stops when. */
export interface PortClaims {
  readonly range: PortRange
  has(port: number): boolean
  all(): readonly number[]
  /** Answers why not. */
  take(port: number): Promise<string | undefined>
  /** Takes a free one; undefined when there is none. */
  next(): Promise<number | undefined>
  release(port: number): Promise<void>
  close(): void
}

const prefix = '/registry/ranges/servicenodeports/'
const claim = Buffer.from('{}')

/** Upstream's min(max(16, size/32), 128) ports stay for who names one, as long as there are others. */
const reservedOf = ({ first, last }: PortRange): number => {
  const size = last - first + 1
  return size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128)
}

export const openPortClaims = async (store: Store, range: PortRange, env: Env): Promise<PortClaims> => {
  const taken = new Set<number>()
  const note = ({ key, value }: Pick<Change, 'key' | 'value'>): void => {
    const port = Number(key.slice(prefix.length))
    if (value === null) taken.delete(port)
    else taken.add(port)
  }
  const after = await store.revision()
  for (const row of (await store.range({ prefix })).rows) note(row)
  const stop = await store.watch({
    prefix,
    after,
    withoutPrevious: true,
    deliver: (changes) => {
      for (const change of changes) note(change)
    },
    // What is known gets old from here on, and the store still refuses what is taken.
    ended: (why) => env.log.error('the store ended its watch of node ports', { error: why.message }),
  })
  const contains = (port: number): boolean => port >= range.first && port <= range.last
  const take = async (port: number): Promise<string | undefined> => {
    if (!contains(port)) return `provided port is not in the valid range. The range of valid ports is ${portRangeText(range)}`
    if (taken.has(port)) return portTaken
    return (await store.commit({ key: `${prefix}${port}`, value: claim, expect: 'absent' })).ok ? undefined : portTaken
  }
  const search = async (first: number, last: number): Promise<number | undefined> => {
    const size = last - first + 1
    const start = Math.floor(env.random() * size)
    for (let step = 0; step < size; step++) {
      const port = first + ((start + step) % size)
      if (!taken.has(port) && (await take(port)) === undefined) return port
    }
    return undefined
  }
  const dynamicFrom = range.first + reservedOf(range)
  return {
    range,
    has: (port) => taken.has(port),
    all: () => [...taken],
    take,
    next: async () => (await search(dynamicFrom, range.last)) ?? search(range.first, dynamicFrom - 1),
    release: async (port) => {
      await store.commit({ key: `${prefix}${port}`, value: null, expect: 'any' })
    },
    close: stop,
  }
}
