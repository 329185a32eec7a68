import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, runOrThrow } from '../run.ts'

/** Network namespaces for tests, with servers and clients in them. Needs root. close() takes everything away, whatever state it is in. */
export interface Lab {
  /** Makes a namespace with loopback up; the path of its file. */
  namespace(name: string): Promise<string>
  /** Runs `ip -batch` lines in a namespace of the lab. */
  ip(name: string, ...lines: string[]): Promise<void>
  sysctl(name: string, settings: Readonly<Record<string, string | number>>): Promise<void>
  /** Starts a server in a namespace that answers TCP and UDP with `TAG CLIENT-ADDRESS` on each port; resolves when it listens. */
  serve(name: string, tag: string, ports: readonly number[], address?: string): Promise<ChildProcess>
  /** `count` connections one after the other from a namespace: for each the answer, or an error's code. */
  ask(name: string, address: string, port: number, options?: AskOptions): Promise<string[]>
  path(name: string): string
  close(): Promise<void>
}

export interface AskOptions {
  readonly protocol?: 'tcp' | 'udp'
  readonly count?: number
  readonly timeoutMs?: number
  /** One source port for all questions (UDP), so that they are one flow to the kernel. */
  readonly sourcePort?: number
}

/** True where namespaces can be made; tests that need them are skipped elsewhere. */
export const canMakeNamespaces = process.platform === 'linux' && process.getuid?.() === 0

export const openLab = (): Lab => {
  const dir = mkdtempSync(join(tmpdir(), 'skiff-lab-'))
  const names: string[] = []
  const children: ChildProcess[] = []
  const path = (name: string) => join(dir, name)
  return {
    path,
    async namespace(name) {
      writeFileSync(path(name), '')
      names.push(name)
      await runOrThrow(['unshare', `--net=${path(name)}`, 'ip', 'link', 'set', 'lo', 'up'])
      return path(name)
    },
    async ip(name, ...lines) {
      await runOrThrow(['ip', '-batch', '-'], { netns: path(name), input: lines.map((line) => `${line}\n`).join('') })
    },
    async sysctl(name, settings) {
      const lines = Object.entries(settings).map(([key, value]) => `echo ${value} > /proc/sys/${key.replaceAll('.', '/')}`)
      await runOrThrow(['sh', '-ec', lines.join('\n')], { netns: path(name) })
    },
    async serve(name, tag, ports, address = '0.0.0.0') {
      const child = spawn('nsenter', [`--net=${path(name)}`, process.execPath, '-e', SERVER, tag, address, ...ports.map(String)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      children.push(child)
      await new Promise<void>((resolve, reject) => {
        child.stdout?.once('data', () => resolve())
        child.once('exit', (code) => reject(new Error(`server ${tag} ended with ${code}`)))
      })
      return child
    },
    async ask(name, address, port, { protocol = 'tcp', count = 1, timeoutMs = 2_000, sourcePort = 0 } = {}) {
      const args = [protocol, address, String(port), String(count), String(timeoutMs), String(sourcePort)]
      const out = await runOrThrow([process.execPath, '-e', CLIENT, ...args], { netns: path(name) })
      return out.trim().split('\n')
    },
    async close() {
      const ended = children.map((child) => (child.exitCode === null ? new Promise((resolve) => child.once('exit', resolve)) : undefined))
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(ended)
      for (const name of names) await run(['umount', path(name)])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const SERVER = `
const [tag, address, ...ports] = process.argv.slice(1)
let left = ports.length * 2
const up = () => { if (--left === 0) console.log('up') }
for (const port of ports.map(Number)) {
  require('node:net').createServer((s) => { s.on('error', () => {}); s.end(tag + ' ' + s.remoteAddress) }).listen(port, address, up)
  const u = require('node:dgram').createSocket('udp4')
  u.on('message', (_, from) => u.send(tag + ' ' + from.address, from.port, from.address))
  u.bind(port, address, up)
}`

const CLIENT = `
const [protocol, address, port, count, timeoutMs, sourcePort] = process.argv.slice(1)
const tcp = () => new Promise((resolve) => {
  const s = require('node:net').connect({ host: address, port: +port })
  let text = ''
  s.setTimeout(+timeoutMs, () => { s.destroy(); resolve('timeout') })
  s.on('data', (d) => { text += d }).on('end', () => resolve(text)).on('error', (e) => resolve(e.code))
})
const socket = protocol === 'udp' ? require('node:dgram').createSocket('udp4') : undefined
const udp = () => new Promise((resolve) => {
  const late = setTimeout(() => done('timeout'), +timeoutMs)
  const done = (text) => { clearTimeout(late); socket.removeAllListeners(); resolve(text) }
  socket.once('message', (d) => done(String(d))).once('error', (e) => done(e.code))
  socket.send('hello')
})
const all = async () => {
  if (socket) await new Promise((r) => socket.bind(+sourcePort, () => socket.connect(+port, address, r)))
  for (let i = 0; i < +count; i++) console.log(await (socket ? udp() : tcp()))
  socket?.close()
}
all()`
