import { createServer } from 'node:http'
import { duplexPair } from 'node:stream'
import type { StreamingTarget, Upgrade } from '@skiff/client'
import type { Env } from '@skiff/machinery'

/** A streaming session in this process: whoever dials it speaks to `serve`, as to a runtime's streaming endpoint, and over no network. */
export const nearSession = (serve: (upgrade: Upgrade) => Promise<void>, env: Env): StreamingTarget => ({
  url: new URL('http://simulated/session'),
  dial: async () => {
    const [near, far] = duplexPair()
    const server = createServer((_request, response) => response.writeHead(400).end('upgrade request required'))
    server.on('upgrade', (request, socket, head) => {
      serve({ request, socket, head }).catch((error) => env.log.debug('a simulated session ended', { error: String(error) }))
    })
    server.emit('connection', far)
    return near
  },
})
