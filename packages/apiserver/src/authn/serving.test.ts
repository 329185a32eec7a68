import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { type VirtualEnv, virtualEnv } from '@skiff/client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestServer } from '../testing/start.ts'
import { makeAuthority } from './authorities.ts'
import { openAuthorities } from './open-authorities.ts'
import { keepServing, servingPair } from './serving.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skiff-pki-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const dayMs = 86_400_000
const serial = ({ cert }: { cert: string }) => new X509Certificate(cert).serialNumber
const open = async (env: VirtualEnv) => ({ dir, authority: await makeAuthority('kubernetes', env), hosts: ['localhost', '127.0.0.1'], env })

test('it is kept until a month is left, and then made anew', async () => {
  const env = virtualEnv()
  const options = await open(env)
  const first = await servingPair(options)
  await env.advance(334 * dayMs)
  expect(serial(await servingPair(options))).toBe(serial(first))
  await env.advance(2 * dayMs)
  const second = await servingPair(options)
  expect(serial(second)).not.toBe(serial(first))
  expect(serial(await servingPair(options))).toBe(serial(second))
})

test('other hosts or another authority want another one; hosts of any length have a file of their own', async () => {
  const options = await open(virtualEnv())
  const hosts = Array.from({ length: 40 }, (_, index) => `a-rather-long-name-${index}.example.com`)
  const first = await servingPair({ ...options, hosts })
  const second = await servingPair({ ...options, hosts: [...hosts, 'one-more'] })
  expect(new X509Certificate(second.cert).checkHost('one-more')).toBe('one-more')
  expect(serial(second)).not.toBe(serial(first))
  expect(readdirSync(dir)).toHaveLength(2)
  const third = await servingPair({ ...options, hosts, authority: await makeAuthority('kubernetes', options.env) })
  expect(serial(third)).not.toBe(serial(second))
})

test('a damaged one is made anew; a damaged authority is refused with what to do', async () => {
  const options = await open(virtualEnv())
  const first = await servingPair(options)
  const [file] = readdirSync(dir).filter((name) => name.endsWith('.key'))
  writeFileSync(join(dir, file as string), '')
  expect(serial(await servingPair(options))).not.toBe(serial(first))
  await openAuthorities(dir, options.hosts, options.env)
  writeFileSync(join(dir, 'ca.crt'), 'x')
  await expect(openAuthorities(dir, options.hosts, options.env)).rejects.toThrow(
    /ca\.crt and its key cannot be used \(.*\): restore them from a copy;/,
  )
})

test('a running server looks every day', async () => {
  const env = virtualEnv()
  const options = await open(env)
  const first = await servingPair(options)
  const renewed = Promise.withResolvers<string>()
  const stop = keepServing(options, first, (pair) => renewed.resolve(serial(pair)))
  await env.advance(336 * dayMs)
  expect(await renewed.promise).not.toBe(serial(first))
  stop()
})

test('new connections see the renewed certificate; the server goes on', async () => {
  const env = virtualEnv()
  await (await startTestServer({ env, pkiDir: dir })).close()
  // Most of the year passes without a server, whose other clocks strike more often.
  await env.advance(334 * dayMs)
  const server = await startTestServer({ env, pkiDir: dir })
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(server.url)
      const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().serialNumber)
        socket.destroy()
      })
      socket.once('error', reject)
    })
  const before = await shown()
  await env.advance(2 * dayMs)
  await expect.poll(shown).not.toBe(before)
  await server.close()
})
