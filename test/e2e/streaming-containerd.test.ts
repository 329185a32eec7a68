import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { dialWebSockets, openExec, openPortForward, type StreamingTarget } from '@skiff/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { kubectls, startTestApiServer, type Wanted } from '../../packages/apiserver/src/streaming/test-api-server.ts'
import { startTestContainerd, type TestContainerd, whyNoContainerd } from '../../packages/node/src/containerd/test-containerd.ts'

const why = await whyNoContainerd()
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** The whole way of a stream: a client, the API server's bridge, containerd's streaming server, a process in a container. */
describe.skipIf(why !== undefined)(`streams to containers of a real containerd${why ? ` (skipped: ${why})` : ''}`, () => {
  let node: TestContainerd
  let api: Awaited<ReturnType<typeof startTestApiServer>>
  let sandboxId = ''
  let containerId = ''

  const prepare = async (wanted: Wanted): Promise<StreamingTarget> => {
    const { runtime } = node.containerd
    const address =
      'exec' in wanted
        ? await runtime.exec(containerId, wanted.exec.command, wanted.exec.streams)
        : await runtime.portForward(sandboxId, [])
    const url = new URL(address)
    return { url, dial: async () => connect(Number(url.port), url.hostname) }
  }
  beforeAll(async () => {
    node = await startTestContainerd('s')
    const sandbox = node.sandbox('web')
    sandboxId = await node.containerd.runtime.runPodSandbox(sandbox)
    const script =
      'ln -s busybox /bin/tar; ln -s busybox /bin/stty; ln -s busybox /bin/httpd; mkdir /tmp/www; cd /tmp/www;' +
      'i=0; while [ $i -lt 20000 ]; do echo "line $i of a page that is long enough to fill some buffers"; i=$((i+1)); done > index.html;' +
      'exec /bin/busybox httpd -f -p 8080'
    containerId = await node.containerd.runtime.createContainer(sandboxId, node.container('main', script), sandbox)
    await node.containerd.runtime.startContainer(containerId)
    api = await startTestApiServer(node.env, prepare)
    for (;;) {
      const ready = await node.containerd.runtime.execSync(
        containerId,
        ['/bin/sh', '-c', 'echo x | nc 127.0.0.1 8080 >/dev/null && cat /tmp/www/index.html | busybox md5sum'],
        5,
      )
      if (ready.exitCode === 0) break
      await node.env.sleep(50)
    }
  })
  afterAll(async () => {
    await api?.close()
    await node?.cleanUp()
  })
  const streams = { stdin: true, stdout: true, stderr: true, tty: false }
  const exec = (command: string[], tty = false) =>
    openExec({
      connect: dialWebSockets({ server: api.url, ca: api.authority }),
      namespace: 'default',
      pod: 'web',
      command,
      streams: { ...streams, tty, stderr: !tty },
      env: node.env,
    })

  test('our own client: outputs, input and its end, the exit code', async () => {
    const client = await exec(['sh', '-c', 'cat; echo oops >&2; exit 9'])
    client.stdin.end('in')
    expect(await Promise.all([text(client.stdout), text(client.stderr)])).toEqual(['in', 'oops\n'])
    expect((await client.exit).code).toBe(9)
    await api.idle()
  })

  test('our own client: 50 MB through a command in a container, with a slow reader', async () => {
    const client = await exec(['cat'])
    client.stderr.resume()
    const block = randomBytes(50_000_000)
    client.stdin.end(block)
    const got = createHash('sha256')
    let bytes = 0
    for await (const chunk of client.stdout as AsyncIterable<Buffer>) {
      got.update(chunk)
      bytes += chunk.length
      if (bytes % 5 === 0) await node.env.sleep(1)
    }
    expect([bytes, got.digest('hex')]).toEqual([block.length, hash(block)])
    expect((await client.exit).code).toBe(0)
  })

  test('our own client: the terminal of a command has the size that was sent', async () => {
    const client = await exec(['sh'], true)
    client.resize(123, 45)
    // The size takes its own way: asked until it is there.
    client.stdin.write('until stty size | grep -q "45 123"; do sleep 0.05; done; echo has-it; exit 4\n')
    expect(await text(client.stdout)).toMatch(/\nhas-it\r\n/)
    expect((await client.exit).code).toBe(4)
  })

  test('our own client: a command that does not exist, and a client that goes away', async () => {
    const missing = await exec(['/no/such'])
    for (const output of [missing.stdout, missing.stderr]) output.resume()
    expect(await missing.exit).toMatchObject({ code: 1, message: expect.stringContaining('no such file or directory') })
    const left = await exec(['sh', '-c', 'echo ready; cat'])
    await once(left.stdout, 'readable')
    left.close()
    await left.exit
    await api.idle()
  })

  test('our own client: many connections to a port of the pod; a port where nobody listens', async () => {
    const client = await openPortForward({
      connect: dialWebSockets({ server: api.url, ca: api.authority }),
      namespace: 'default',
      pod: 'web',
      env: node.env,
    })
    const one = async () => {
      const { data, failure } = client.open(8080)
      data.write('GET / HTTP/1.0\r\n\r\n')
      const page = await text(data)
      data.end()
      expect(page).toMatch(/\nline 19999 of a page/)
      expect(await failure).toBe('')
    }
    await Promise.all([one(), one(), one(), one(), one()])
    const nobody = client.open(81)
    nobody.data.resume()
    expect(await nobody.failure).toMatch(/error forwarding port 81 to pod .* connection refused/)
    client.close()
    await api.idle()
  })

  test('a WebSocket v4 client is spliced to containerd', async () => {
    const url = new URL('/api/v1/namespaces/default/pods/web/exec?command=echo&command=hi&stdout=1', api.url)
    const ws = new WebSocket(url, ['v4.channel.k8s.io'], { ca: api.authority })
    const seen: string[] = []
    ws.on('message', (data: Buffer) => seen.push(data.toString('latin1')))
    await once(ws, 'close')
    expect(seen).toEqual(['\x01', '\x01hi\n', '\x03{"metadata":{},"status":"Success"}'])
    expect(api.carriages().at(-1)).toBe('raw')
  })

  test.each(kubectls)('kubectl %s: exec, 50 MB through it, cp both ways, the terminal, port-forward', async (version) => {
    const ran = await api.kubectl(version, ['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo oops >&2; exit 3'], Buffer.from('in'))
    expect([ran.code, ran.out.toString(), ran.errors]).toEqual([3, 'in', 'oops\ncommand terminated with exit code 3\n'])

    const block = randomBytes(50_000_000)
    const piped = await api.kubectl(version, ['exec', '-i', 'web', '--', 'cat'], block)
    expect([piped.code, piped.out.length, hash(piped.out)]).toEqual([0, block.length, hash(block)])

    const [local, back] = ['local', 'back'].map((name) => join(api.directory, `${name}-${version}`)) as [string, string]
    writeFileSync(local, block)
    expect(await api.kubectl(version, ['cp', local, 'default/web:/tmp/copied'])).toMatchObject({ code: 0 })
    expect(await api.kubectl(version, ['cp', 'default/web:/tmp/copied', back])).toMatchObject({ code: 0 })
    expect(hash(readFileSync(back))).toBe(hash(block))

    if (existsSync('/usr/bin/script')) {
      const line = [
        'stty cols 101 rows 33;',
        ...api.commandLine(version),
        'exec',
        '-it',
        'web',
        '--',
        'sh',
        '-c',
        '"until stty size | grep 33; do sleep 0.05; done"',
      ]
      const child = spawn('/usr/bin/script', ['-qec', line.join(' '), '/dev/null'], {
        env: { HOME: api.directory, PATH: process.env.PATH, TERM: 'xterm', SHELL: '/bin/sh' },
      })
      expect(await text(child.stdout)).toContain('33 101')
    }

    const forward = api.start(version, ['port-forward', 'pod/web', ':8080'])
    const [line] = (await once(forward.stdout, 'data')) as [Buffer]
    const port = Number(/127\.0\.0\.1:(\d+) ->/.exec(line.toString())?.[1])
    forward.stdout.resume()
    const page = async () => {
      const socket = connect(port, '127.0.0.1')
      socket.write('GET / HTTP/1.0\r\n\r\n')
      expect(await text(socket)).toMatch(/\nline 19999 of a page/)
    }
    await Promise.all([page(), page(), page()])
    forward.kill('SIGINT')
    await once(forward, 'close')
    await api.idle()
  })
})
