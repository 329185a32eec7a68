import { type Env, keyOf } from '@skiff/machinery'
import type { EndpointSliceObject, NamespaceObject, ServiceObject } from '../objects.ts'
import { indexSlices } from '../slice-index.ts'
import type { Watched } from '../watched.ts'
import { createRecords, type RecordsOptions } from './records.ts'
import { createResolver } from './resolver.ts'
import { type Listening, listen } from './server.ts'
import { createForwarder } from './upstream/forward.ts'
import { followResolvConf, type ServerAddress } from './upstream/resolv-conf.ts'

export interface DnsOptions extends RecordsOptions {
  readonly services: Watched<ServiceObject>
  readonly slices: Watched<EndpointSliceObject>
  /** Without it, a namespace exists while a service is in it. */
  readonly namespaces?: Watched<NamespaceObject>
  /** Where to answer; port 53 unless told. */
  readonly listen: readonly { readonly address: string; readonly port?: number }[]
  /** The servers for all other names; those of `resolvConf` without it. */
  readonly upstream?: readonly ServerAddress[]
  /** /etc/resolv.conf unless told; read again while it changes. */
  readonly resolvConf?: string
  readonly env: Env
}

export interface DnsServer {
  readonly listening: readonly Listening[]
  close(): Promise<void>
}

/** Services taken in before other work gets its turn. */
const YIELD_EVERY = 500

/** Serves the cluster's names. Resolves once all services known now are in the records and every address is bound. */
export const startDns = async (options: DnsOptions): Promise<DnsServer> => {
  const { env } = options
  const records = createRecords({ ...options, server: options.server ?? options.listen.map((one) => one.address) })
  const unfollow = await follow(options, records)
  const stopping = new AbortController()
  const forwarder = createForwarder(env)
  const resolve = createResolver(records, forwarder)
  const listening: Listening[] = []
  let following: Promise<void> | undefined
  const close = async () => {
    stopping.abort()
    unfollow()
    forwarder.close()
    await Promise.all([following, ...listening.map((one) => one.close())])
  }
  try {
    for (const { address, port = 53 } of options.listen) listening.push(await listen(address, port, resolve, env))
  } catch (error) {
    await close()
    throw error
  }
  // Only now, since a probe that a server sends back to us must find us listening.
  if (options.upstream !== undefined) forwarder.use(options.upstream)
  else
    following = followResolvConf({
      file: options.resolvConf ?? '/etc/resolv.conf',
      own: listening,
      forwarder,
      env,
      signal: stopping.signal,
    })
  return { listening, close }
}

/** Keeps the records in step with their sources. */
const follow = async (options: DnsOptions, records: ReturnType<typeof createRecords>): Promise<() => void> => {
  const { services, slices, namespaces, env } = options
  const index = indexSlices(slices)
  const update = (key: string) => records.set(key, services.get(key), index.of(key), env.now())
  const namespace = (name: string) => records.setNamespace(name, namespaces?.get(name) !== undefined)
  const ends = [
    services.subscribe(({ key }) => update(key)),
    slices.subscribe(({ key }) => index.update(key).forEach(update)),
    namespaces?.subscribe(({ key }) => namespace(key)),
  ]
  for (const one of namespaces?.list() ?? []) namespace(one.metadata.name)
  let count = 0
  for (const service of [...services.list()]) {
    if (++count % YIELD_EVERY === 0) await env.sleep(0)
    update(keyOf(service))
  }
  return () => {
    for (const end of ends) end?.()
  }
}
