import { get, request } from 'node:http'
import type { Env } from '@skiff/machinery'

/** One request with a connection of its own, as a visitor's browser makes it. Rejects when there is no good answer. */
export const fetchText = (url: string, post?: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const done = (reply: import('node:http').IncomingMessage) => {
      let text = ''
      reply.setEncoding('utf8')
      reply.on('data', (part) => {
        text += part
      })
      reply.on('end', () => (reply.statusCode === 200 ? resolve(text) : reject(new Error(`status ${reply.statusCode}`))))
      reply.on('error', reject)
    }
    const asked =
      post === undefined
        ? get(url, { agent: false, timeout: 5000 }, done)
        : request(url, { method: 'POST', agent: false, timeout: 5000 }, done)
    asked.on('timeout', () => asked.destroy(new Error('no answer within 5 s')))
    asked.on('error', reject)
    if (post !== undefined) asked.end(post)
  })

export interface Visits {
  readonly made: number
  readonly failed: readonly string[]
  /** How often each version answered. */
  readonly versions: ReadonlyMap<string, number>
}

/** Visits a page again and again until `stop` is called, and counts. */
export const visitAll = (url: string, env: Env): { stop(): Promise<Visits> } => {
  const failed: string[] = []
  const versions = new Map<string, number>()
  let made = 0
  let stopped = false
  const visitor = async (): Promise<void> => {
    while (!stopped) {
      made++
      try {
        const version = /version (\d+)/.exec(await fetchText(url))?.[1] ?? '?'
        versions.set(version, (versions.get(version) ?? 0) + 1)
      } catch (error) {
        failed.push((error as Error).message)
      }
      await env.sleep(10)
    }
  }
  const visitors = [visitor(), visitor()]
  return {
    stop: async () => {
      stopped = true
      await Promise.all(visitors)
      return { made, failed, versions }
    },
  }
}
