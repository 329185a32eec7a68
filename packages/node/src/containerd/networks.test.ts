import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand, tryCommand } from './run-command.ts'
import { startTestContainerd, type TestContainerd, whyNoContainerd } from './test-containerd.ts'

const why = await whyNoContainerd()

describe.skipIf(why !== undefined)(`containerd in a network namespace${why ? ` (skipped: ${why})` : ''}`, () => {
  const namespace = `skiff-test-${process.pid}`
  let node: TestContainerd
  beforeAll(async () => {
    await runCommand('ip', ['netns', 'add', namespace])
    await runCommand('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
    node = await startTestContainerd('n', { netns: `/run/netns/${namespace}` })
  })
  afterAll(async () => {
    try {
      await node?.cleanUp()
      expect(await node?.traces()).toEqual([])
      expect(await runCommand('nsenter', [`--net=/run/netns/${namespace}`, '--', 'nft', 'list', 'tables'])).toBe('')
    } finally {
      await tryCommand('ip', ['netns', 'delete', namespace])
    }
  })
  const links = async (...where: string[]) => runCommand('ip', [...where, '-o', 'link', 'show'])

  test('its bridge and its pods lie in that namespace, not in the host', async () => {
    const { runtime } = node.containerd
    const sandbox = node.sandbox('inside')
    const sandboxId = await runtime.runPodSandbox(sandbox)
    expect((await runtime.podSandboxStatus(sandboxId))?.ip).toMatch(/^10\./)
    expect(await links('-n', namespace)).toContain(node.options.network.bridge)
    expect(await links()).not.toContain(node.options.network.bridge)

    // What uses the host's network uses that of its node.
    const host = node.sandbox('host', { hostname: '', security: { namespaces: { network: 'node', pid: 'container', ipc: 'node' } } })
    const hostId = await runtime.runPodSandbox(host)
    const containerId = await runtime.createContainer(hostId, node.container('main', 'exec sleep 1000'), host)
    await runtime.startContainer(containerId)
    const seen = (await runtime.execSync(containerId, ['ip', 'link'], 10)).stdout.toString()
    expect(seen).toContain(node.options.network.bridge)
    expect((await runtime.podSandboxStatus(hostId))?.ip).toBe('')
    for (const id of [sandboxId, hostId]) await runtime.removePodSandbox(id)
  })

  test('a host port leads into the pod, and is free again afterwards', async () => {
    const { runtime } = node.containerd
    const sandbox = node.sandbox('port', { portMappings: [{ protocol: 'TCP', containerPort: 80, hostPort: 8090 }] })
    const sandboxId = await runtime.runPodSandbox(sandbox)
    const served = node.container('main', 'echo served > /tmp/x; while :; do nc -l -p 80 < /tmp/x; done')
    const containerId = await runtime.createContainer(sandboxId, served, sandbox)
    await runtime.startContainer(containerId)
    const gateway = (await runtime.podSandboxStatus(sandboxId))?.ip.replace(/\d+$/, '1') ?? ''
    const ask = () => tryCommand('nsenter', [`--net=/run/netns/${namespace}`, '--', 'busybox', 'nc', gateway, '8090'])
    let answer = await ask()
    while (answer.stdout === '') {
      await node.env.sleep(20)
      answer = await ask()
    }
    expect(answer.stdout).toBe('served\n')
    await runtime.stopPodSandbox(sandboxId)
    await runtime.removePodSandbox(sandboxId)
    expect((await ask()).exitCode).not.toBe(0)
  })
})
