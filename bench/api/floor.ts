/** What Node alone can do: reads a request, answers with as many bytes as a pod has, and does nothing else. Prints one line of JSON. */
import { readdirSync, readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'

const [dir = '', bytes = '2000'] = process.argv.slice(2)
const name = readdirSync(dir).find((each) => each.startsWith('apiserver-') && each.endsWith('.crt')) as string
const key = readFileSync(`${dir}/${name.replace(/\.crt$/, '.key')}`)
const body = Buffer.alloc(Number(bytes), 'x')
const server = createSecureServer({ key, cert: readFileSync(`${dir}/${name}`), allowHTTP1: true }, (incoming, outgoing) => {
  incoming.resume()
  incoming.on('end', () => {
    outgoing.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private', 'content-length': body.length })
    outgoing.end(body)
  })
})
server.on('secureConnection', (socket) => socket.setNoDelay(true))
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })))
process.on('SIGTERM', () => process.exit(0))
