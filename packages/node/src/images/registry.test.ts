import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand, systemEnvironment } from '../containerd/run-command.ts'
import { findProgram } from '../containerd/system-facts.ts'
import { startTestContainerd, type TestContainerd, testImage, whyNoContainerd } from '../containerd/test-containerd.ts'

const registryProgram = await findProgram('docker-registry')
const why = (await whyNoContainerd()) ?? (registryProgram ? undefined : 'docker-registry is not installed')

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

const registryConfig = (directory: string, port: number): string => `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${directory} } }
http: { addr: '127.0.0.1:${port}' }
`

describe.skipIf(why !== undefined)(`pulls from a registry on loopback${why ? ` (skipped: ${why})` : ''}`, () => {
  let node: TestContainerd
  let host = ''
  let end = async () => {}
  beforeAll(async () => {
    const port = await freePort()
    host = `127.0.0.1:${port}`
    node = await startTestContainerd('r', { registries: [{ host, endpoint: `http://${host}` }] })
    const storage = join(node.directory, 'registry')
    await mkdir(storage)
    await writeFile(join(node.directory, 'registry.yml'), registryConfig(storage, port))
    const registry = spawn(registryProgram ?? '', ['serve', join(node.directory, 'registry.yml')], {
      stdio: 'ignore',
      env: systemEnvironment(),
    })
    const ended = once(registry, 'exit')
    end = async () => {
      registry.kill('SIGTERM')
      await ended
    }
    const ctr = (...args: string[]) => runCommand('ctr', ['-a', node.containerd.places.socket, '-n', 'k8s.io', 'images', ...args])
    await ctr('tag', testImage, `${host}/team/app:1`)
    for (;;) {
      const pushed = await ctr('push', '--plain-http', `${host}/team/app:1`).then(
        () => true,
        () => false,
      )
      if (pushed) break
      await node.env.sleep(50)
    }
    await ctr('remove', `${host}/team/app:1`)
  })
  afterAll(async () => {
    await end()
    await node?.cleanUp()
  })

  test('an image is pulled over plain http, has its digest, and runs', async () => {
    const { runtime } = node.containerd
    const image = `${host}/team/app:1`
    while ((await runtime.imageStatus(image)) !== undefined) await node.env.sleep(10)
    const id = await runtime.pullImage(image)
    const status = await runtime.imageStatus(image)
    expect(status?.id).toBe(id)
    expect(status?.digests).toEqual([expect.stringMatching(new RegExp(`^${host}/team/app@sha256:[0-9a-f]{64}$`))])

    const sandbox = node.sandbox('pulled')
    const sandboxId = await runtime.runPodSandbox(sandbox)
    const containerId = await runtime.createContainer(
      sandboxId,
      node.container('main', 'exec sleep 1000', { image, imageRef: id }),
      sandbox,
    )
    await runtime.startContainer(containerId)
    // What pod status shows as imageID: the name by which it can be pulled again.
    expect((await runtime.containerStatus(containerId))?.imageRef).toBe(status?.digests[0])
    await runtime.removePodSandbox(sandboxId)
  })

  test('a missing tag and a missing repository are not found', async () => {
    const { runtime } = node.containerd
    await expect(runtime.pullImage(`${host}/team/app:2`)).rejects.toMatchObject({ code: 'notFound' })
    await expect(runtime.pullImage(`${host}/nobody/nothing:1`)).rejects.toThrow('not found')
  })
})
