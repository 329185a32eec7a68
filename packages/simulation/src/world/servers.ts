import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiServer, type NodeDirectory, seededIdentifiers, startApiServer } from '@skiff/apiserver'
import type { Handler } from '@skiff/client'
import { type Env, seededRandom } from '@skiff/machinery'
import { openMemoryStore } from '@skiff/store'
import { createLink } from './link.ts'

export interface Servers {
  /** The one that runs now. */
  readonly api: ApiServer
  /** Leads to it. */
  readonly handler: Handler
  crash(): void
  start(): Promise<void>
  stop(): Promise<void>
}

/** One API server after the other over one store. */
export const createServers = async (seed: number, env: Env, nodes: NodeDirectory): Promise<Servers> => {
  const pkiDir = mkdtempSync(join(tmpdir(), 'skiff-simulation-'))
  const store = openMemoryStore()
  const identifiers = seededIdentifiers(seededRandom(seed + 1))
  const network = { host: '127.0.0.1', port: 0, advertiseAddress: '127.0.0.1', serviceCidr: '10.96.0.0/16' }
  const open = (): Promise<ApiServer> => startApiServer({ store, env, pkiDir, ...network, nodes, metrics: true, identifiers })
  let api = await open()
  let link = createLink(api.handler)
  const closing: Promise<void>[] = []
  const handler: Handler = (call) => link.handler(call)
  return {
    get api() {
      return api
    },
    handler,
    crash: () => {
      link.sever()
      closing.push(api.close())
    },
    start: async () => {
      api = await open()
      link = createLink(api.handler)
    },
    stop: async () => {
      await Promise.all([...closing, api.close()])
      rmSync(pkiDir, { recursive: true })
    },
  }
}
