import { appendFile, rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startContainerd } from './containerd.ts'
import { removeMounts } from './mounts.ts'
import { isAlive, recordOf } from './process-record.ts'
import { endShims } from './shims.ts'
import { teardownContainerd } from './teardown.ts'
import { startTestContainerd, type TestContainerd, testImage, whyNoContainerd } from './test-containerd.ts'

/** A clock that runs forty times as fast, so that limits pass soon. */
const fast = (clock: () => number) => () => clock() * 40

const why = await whyNoContainerd()

describe.skipIf(why !== undefined)(`an own containerd${why ? ` (skipped: ${why})` : ''}`, () => {
  let node: TestContainerd
  beforeAll(async () => {
    node = await startTestContainerd()
  })
  afterAll(() => node?.cleanUp())

  const runPod = async (name: string): Promise<{ sandboxId: string; containerId: string }> => {
    const { runtime } = node.containerd
    const sandbox = node.sandbox(name)
    const sandboxId = await runtime.runPodSandbox(sandbox)
    const containerId = await runtime.createContainer(sandboxId, node.container('main', 'exec sleep 1000'), sandbox)
    await runtime.startContainer(containerId)
    return { sandboxId, containerId }
  }
  const answered = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await ask()
      } catch {
        await node.env.sleep(20)
      }
    }
  }

  test('is started again when it is killed; containers run on and are found again', async () => {
    const { sandboxId, containerId } = await runPod('survivor')
    const before = await node.containerd.runtime.containerStatus(containerId)
    const pid = node.containerd.pid()
    process.kill(pid, 'SIGKILL')
    while (node.containerd.pid() === pid) await node.env.sleep(20)

    const after = await answered(() => node.containerd.runtime.containerStatus(containerId))
    expect(after).toEqual(before)
    expect(after?.state).toBe('running')
    expect((await node.containerd.runtime.podSandboxStatus(sandboxId))?.ready).toBe(true)
    expect(node.containerd.restarts()).toBe(1)
    const echo = await node.containerd.runtime.execSync(containerId, ['/bin/echo', 'still here'], 5)
    expect(echo.stdout.toString()).toBe('still here\n')
  })

  test('is adopted by the next Skiff, and not started twice', async () => {
    const { containerId } = await runPod('adopted')
    const pid = node.containerd.pid()
    await node.containerd.release()
    const again = await startContainerd(node.env, node.options)
    expect(again.pid()).toBe(pid)
    expect((await again.runtime.containerStatus(containerId))?.state).toBe('running')

    // An adopted one is watched as well.
    process.kill(pid, 'SIGKILL')
    while (again.pid() === pid) await node.env.sleep(50)
    await answered(() => again.runtime.version())
    node = { ...node, containerd: again }
  })

  test('is restarted when its config changed; containers run on', async () => {
    const { containerId } = await runPod('reconfigured')
    const pid = node.containerd.pid()
    const record = await recordOf(pid)
    await node.containerd.release()
    await appendFile(node.containerd.places.configFile, '# as an older version wrote it\n')
    const again = await startContainerd(node.env, node.options)
    expect(again.pid()).not.toBe(pid)
    expect(record && (await isAlive(record))).toBe(false)
    expect((await again.runtime.containerStatus(containerId))?.state).toBe('running')
    node = { ...node, containerd: again }
  })

  test('stops without its containers; teardown finds them and leaves nothing', async () => {
    const { containerId } = await runPod('orphan')
    expect((await node.containerd.runtime.containerStatus(containerId))?.state).toBe('running')
    await node.containerd.stop()
    expect((await node.traces()).some((trace) => trace.startsWith('process'))).toBe(true)
    await node.containerd.teardown({ keepData: true })
    expect(await node.traces()).toEqual([`directory ${node.options.root}`])

    // Its images were kept, and its containers as ended ones.
    const again = await startContainerd(node.env, node.options)
    node = { ...node, containerd: again }
    expect(await again.runtime.imageStatus(testImage)).toBeDefined()
    expect((await again.runtime.containerStatus(containerId))?.state).toBe('exited')
    for (const { sandboxId, ready } of await again.runtime.listPodSandboxes()) {
      expect(ready).toBe(false)
      await again.runtime.removePodSandbox(sandboxId)
    }
  })

  test('after a reboot its pods are shown as ended, and can be removed', async () => {
    const { sandboxId, containerId } = await runPod('rebooted')
    await node.containerd.stop()
    // A reboot ends processes and mounts, and empties /run.
    await endShims(node.env, node.containerd.places)
    await removeMounts([node.options.state, node.options.root])
    await rm(node.options.state, { recursive: true })
    const again = await startContainerd(node.env, node.options)
    node = { ...node, containerd: again }
    expect((await again.runtime.podSandboxStatus(sandboxId))?.ready).toBe(false)
    expect(['exited', 'unknown']).toContain((await again.runtime.containerStatus(containerId))?.state)
    await again.runtime.stopPodSandbox(sandboxId)
    await again.runtime.removePodSandbox(sandboxId)
    expect(await again.runtime.listContainers()).toEqual([])
  })

  test('one that hangs is not adopted but restarted', async () => {
    const pid = node.containerd.pid()
    await node.containerd.release()
    process.kill(pid, 'SIGSTOP')
    const patient = startContainerd({ ...node.env, monotonicMs: fast(node.env.monotonicMs) }, node.options)
    node = { ...node, containerd: await patient }
    expect(node.containerd.pid()).not.toBe(pid)
  })

  test('teardown leaves nothing, even when pods cannot be removed in order', async () => {
    await runPod('forced')
    await node.containerd.stop()
    // Without its metadata containerd knows of no pod: only what the kernel shows is left to go by.
    await rm(`${node.options.root}/io.containerd.metadata.v1.bolt`, { recursive: true })
    await teardownContainerd(node.env, node.options)
    expect(await node.traces()).toEqual([])
  })
})
