import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Env } from '@skiff/machinery'

/** A server to forward to. */
export interface ServerAddress {
  readonly address: string
  readonly port: number
}

/** The name servers of a resolv.conf, in order, without duplicates. Zone indexes (`fe80::1%eth0`) are kept. */
export const nameservers = (text: string): ServerAddress[] => {
  const found = text.split('\n').flatMap((line) => {
    const [keyword, address = ''] = line.trim().split(/\s+/)
    return keyword === 'nameserver' && isIP(address) !== 0 ? [address] : []
  })
  return [...new Set(found)].map((address) => ({ address, port: 53 }))
}

const EVERY_MS = 10_000

/** Keeps a forwarder's servers as a resolv.conf has them, without the addresses at which we answer ourselves. Ends with `signal`. */
export const followResolvConf = async (options: {
  readonly file: string
  readonly own: readonly ServerAddress[]
  readonly forwarder: { use(servers: readonly ServerAddress[]): void }
  readonly env: Env
  readonly signal: AbortSignal
}): Promise<void> => {
  const own = new Set(options.own.map(({ address, port }) => `${address} ${port}`))
  let last: string | undefined
  while (!options.signal.aborted) {
    const text = await readFile(options.file, 'utf8').catch(() => '')
    // A change of other lines must not cost the sockets and what waits on them.
    const servers = nameservers(text).filter(({ address, port }) => !own.has(`${address} ${port}`))
    const said = JSON.stringify(servers)
    if (said !== last && !options.signal.aborted) options.forwarder.use(servers)
    last = said
    await options.env.sleep(EVERY_MS, options.signal)
  }
}
