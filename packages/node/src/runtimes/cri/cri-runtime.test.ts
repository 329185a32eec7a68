import { existsSync } from 'node:fs'
import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestContainerd, type TestContainerd, testImage, whyNoContainerd } from '../../containerd/test-containerd.ts'
import type { ContainerInfo, Runtime, RuntimeEvent, SandboxConfig } from '../runtime.ts'
import { openCriRuntime } from './cri-runtime.ts'

test('a runtime that is not there is unavailable', async () => {
  const runtime = openCriRuntime(systemEnv(), { socketPath: '/nonexistent/containerd.sock' })
  await expect(runtime.version()).rejects.toMatchObject({ code: 'unavailable' })
  runtime.close()
  await expect(runtime.version()).rejects.toMatchObject({ code: 'unavailable' })
})

const why = await whyNoContainerd()

describe.skipIf(why !== undefined)(`CRI with a real containerd${why ? ` (skipped: ${why})` : ''}`, () => {
  let node: TestContainerd
  let runtime: Runtime
  beforeAll(async () => {
    node = await startTestContainerd()
    runtime = node.containerd.runtime
  })
  afterAll(async () => {
    await node?.cleanUp()
    expect(await node?.traces()).toEqual([])
  })

  const started = async (sandbox: SandboxConfig, script: string, more: Parameters<TestContainerd['container']>[2] = {}) => {
    const sandboxId = await runtime.runPodSandbox(sandbox)
    const containerId = await runtime.createContainer(sandboxId, node.container('main', script, more), sandbox)
    await runtime.startContainer(containerId)
    return { sandboxId, containerId }
  }
  const ended = async (containerId: string): Promise<ContainerInfo> => {
    for (;;) {
      const info = await runtime.containerStatus(containerId)
      if (info?.state === 'exited') return info
      await node.env.sleep(10)
    }
  }
  const logOf = (name: string, container = 'main') => readFile(join(node.directory, 'logs', name, `${container}.log`), 'utf8')
  /** The hierarchies in which a cgroup exists. */
  const cgroupsOf = async (path: string): Promise<string[]> => {
    const hierarchies = ['', ...(await readdir('/sys/fs/cgroup'))]
    return hierarchies.filter((name) => existsSync(join('/sys/fs/cgroup', name, path)))
  }
  const shell = async (containerId: string, script: string) =>
    (await runtime.execSync(containerId, ['/bin/sh', '-c', script], 10)).stdout.toString()

  test('says who it is and that it is ready', async () => {
    expect(await runtime.version()).toMatchObject({ name: 'containerd', apiVersion: 'v1' })
    expect(await runtime.status()).toMatchObject({ runtime: { ready: true }, network: { ready: true } })
  })

  test('a pod has an address, a name, and its containers the life that they are given', async () => {
    const sandbox = node.sandbox('life', { labels: { app: 'life', 'example.com/x': 'y' }, annotations: { note: 'ü' } })
    const { sandboxId, containerId } = await started(
      sandbox,
      'hostname; echo problem >&2; trap "exit 7" TERM; while :; do sleep 0.05; done',
      {
        env: [{ name: 'GREETING', value: 'hello world' }],
        labels: { part: 'main' },
        attempt: 2,
      },
    )
    const status = await runtime.podSandboxStatus(sandboxId)
    expect(status).toMatchObject({ podName: 'life', podUid: 'uid-life', ready: true, labels: sandbox.labels, annotations: { note: 'ü' } })
    expect(status?.ip).toMatch(/^10\.2\d\d\.0\.\d+$/)
    expect(await runtime.listPodSandboxes({ labels: { app: 'life' } })).toMatchObject([{ sandboxId, ready: true }])
    expect(await runtime.listPodSandboxes({ labels: { app: 'other' } })).toEqual([])
    expect(await runtime.listContainers({ sandboxId, state: 'running' })).toMatchObject([{ containerId, name: 'main', attempt: 2 }])

    expect(await shell(containerId, 'echo $GREETING; ip -4 -o addr show eth0 | grep -o "inet [0-9.]*"')).toBe(
      `hello world\ninet ${status?.ip}\n`,
    )

    const stopped = runtime.stopContainer(containerId, 10)
    await stopped
    const info = await ended(containerId)
    expect(info).toMatchObject({ exitCode: 7, reason: 'Error', attempt: 2, labels: { part: 'main' }, image: testImage })
    expect(info.startedAtNs).toBeGreaterThanOrEqual(info.createdAtNs)
    expect(info.finishedAtNs).toBeGreaterThan(info.startedAtNs)
    const log = await logOf('life')
    expect(log).toMatch(/^\S+Z stdout F life$/m)
    expect(log).toMatch(/^\S+Z stderr F problem$/m)

    await runtime.removeContainer(containerId)
    await runtime.stopPodSandbox(sandboxId)
    expect((await runtime.podSandboxStatus(sandboxId))?.ready).toBe(false)
    expect(await cgroupsOf(sandbox.cgroupParent)).not.toEqual([])
    await runtime.removePodSandbox(sandboxId)
    expect(await runtime.podSandboxStatus(sandboxId)).toBeUndefined()
    expect(await cgroupsOf(sandbox.cgroupParent)).toEqual([])
  })

  test('what is gone is undefined, or stops and goes once more', async () => {
    expect(await runtime.containerStatus('nothing')).toBeUndefined()
    expect(await runtime.podSandboxStatus('nothing')).toBeUndefined()
    expect(await runtime.imageStatus('nothing/here:1')).toBeUndefined()
    expect(await runtime.containerStats('nothing')).toBeUndefined()
    await runtime.stopContainer('nothing', 0)
    await runtime.removeContainer('nothing')
    await runtime.stopPodSandbox('nothing')
    await runtime.removePodSandbox('nothing')
    await runtime.removeImage('nothing/here:1')
    await expect(runtime.startContainer('nothing')).rejects.toMatchObject({ code: 'notFound' })
  })

  test('a command answers its output and exit code, and is ended at its limit', async () => {
    const { sandboxId, containerId } = await started(node.sandbox('exec'), 'exec sleep 1000')
    const result = await runtime.execSync(containerId, ['/bin/sh', '-c', 'echo out; echo err >&2; exit 3'], 10)
    expect({ ...result, stdout: result.stdout.toString(), stderr: result.stderr.toString() }).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      exitCode: 3,
    })
    await expect(runtime.execSync(containerId, ['sleep', '100'], 1)).rejects.toMatchObject({ code: 'deadlineExceeded' })
    await expect(runtime.execSync(containerId, ['/no/such/program'], 10)).rejects.toThrow('no such file or directory')
    const url = await runtime.exec(containerId, ['sh'], { stdin: true, stdout: true, stderr: false, tty: true })
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/exec\//)
    expect(await runtime.attach(containerId, { stdin: false, stdout: true, stderr: true, tty: false })).toMatch(/\/attach\//)
    expect(await runtime.portForward(sandboxId, [80])).toMatch(/\/portforward\//)
    await runtime.removePodSandbox(sandboxId)
  })

  test('containers of a pod share its network, not their processes; a program that is missing is a start error', async () => {
    const sandbox = node.sandbox('pair')
    const { sandboxId, containerId } = await started(sandbox, 'echo served > /tmp/x; exec nc -l -p 8080 < /tmp/x')
    const second = await runtime.createContainer(sandboxId, node.container('second', 'exec sleep 1000'), sandbox)
    await runtime.startContainer(second)
    expect(await shell(second, 'until nc 127.0.0.1 8080; do sleep 0.02; done')).toBe('served\n')
    expect(await shell(second, 'ps')).not.toContain('nc -l')

    const broken = await runtime.createContainer(sandboxId, node.container('broken', '', { command: ['/no/such'] }), sandbox)
    await expect(runtime.startContainer(broken)).rejects.toThrow('no such file or directory')
    expect(await runtime.containerStatus(broken)).toMatchObject({ state: 'exited', exitCode: 128, reason: 'StartError' })
    await runtime.removePodSandbox(sandboxId)
    expect(await runtime.containerStatus(containerId)).toBeUndefined()
  })

  test('security, limits and mounts reach the container', async () => {
    const memoryLimitBytes = 64 * 1024 * 1024
    const { sandboxId, containerId } = await started(node.sandbox('limits'), 'exec sleep 1000', {
      mounts: [{ containerPath: '/given', hostPath: join(node.directory, 'busybox', 'etc'), readonly: true }],
      resources: { memoryLimitBytes, cpuShares: 512, cpuQuotaUs: 50_000, cpuPeriodUs: 100_000 },
      security: {
        runAsUser: 1234,
        runAsGroup: 2345,
        supplementalGroups: [3456],
        readOnlyRootFilesystem: true,
        noNewPrivileges: true,
        capabilities: { add: [], drop: ['ALL'] },
        seccomp: { type: 'runtimeDefault' },
      },
    })
    const seen = await shell(containerId, 'id -u; id -g; id -G; cat /proc/1/status; echo x > /tmp/x; echo y > /given/y; cat /proc/mounts')
    const [uid, gid, groups] = seen.split('\n')
    expect([uid, gid, groups?.split(' ').toSorted()]).toEqual(['1234', '2345', ['2345', '3456']])
    expect(seen).toMatch(/CapEff:\t0+\n/)
    expect(seen).toMatch(/NoNewPrivs:\t1\n/)
    expect(seen).toMatch(/Seccomp:\t2\n/)
    expect(seen).toMatch(/ \/ overlay ro,/)
    expect(seen).toMatch(/ \/given \S+ ro,/)
    // Masked by default, as upstream has it.
    expect(seen).toMatch(/ \/proc\/keys tmpfs /)
    expect(seen).toMatch(/ \/proc\/sys proc ro,/)
    const info = await runtime.containerStatus(containerId)
    expect(info?.resources).toMatchObject({ memoryLimitBytes, cpuShares: 512 })
    await runtime.updateContainerResources(containerId, { memoryLimitBytes: 2 * memoryLimitBytes })
    expect((await runtime.containerStatus(containerId))?.resources).toMatchObject({ memoryLimitBytes: 2 * memoryLimitBytes })
    const stats = await runtime.containerStats(containerId)
    expect(stats?.memoryUsageBytes).toBeGreaterThan(0)
    expect(stats?.cpuUsageNs).toBeGreaterThan(0n)
    expect(await runtime.listContainerStats({ sandboxId })).toMatchObject([{ containerId, name: 'main' }])
    await runtime.removePodSandbox(sandboxId)
  })

  test('one that takes too much memory is told apart', async () => {
    const { sandboxId, containerId } = await started(node.sandbox('greedy'), 'x=0123456789; while :; do x=$x$x; done', {
      resources: { memoryLimitBytes: 16 * 1024 * 1024, memorySwapLimitBytes: 16 * 1024 * 1024 },
    })
    expect(await ended(containerId)).toMatchObject({ reason: 'OOMKilled', exitCode: 137 })
    await runtime.removePodSandbox(sandboxId)
  })

  test('a log that was moved away is opened anew', async () => {
    const { sandboxId, containerId } = await started(node.sandbox('rotate'), 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done')
    const log = join(node.directory, 'logs', 'rotate', 'main.log')
    while (!(await logOf('rotate')).includes('line 2')) await node.env.sleep(10)
    await rename(log, `${log}.1`)
    await runtime.reopenContainerLog(containerId)
    while (!(await logOf('rotate')).includes('line')) await node.env.sleep(10)
    const lines = (text: string) => text.match(/line \d+/g) ?? []
    const all = [...lines(await readFile(`${log}.1`, 'utf8')), ...lines(await logOf('rotate'))]
    expect(all).toEqual(all.map((_, index) => `line ${index + 1}`))
    await runtime.removePodSandbox(sandboxId)
  })

  test('changes are told as they happen, and are visible by then', async () => {
    const controller = new AbortController()
    const seen: RuntimeEvent[] = []
    const stateAtEvent = new Map<string, string | undefined>()
    const reading = (async () => {
      for await (const event of runtime.events(controller.signal)) {
        seen.push(event)
        if (event.kind === 'stopped') stateAtEvent.set(event.containerId, (await runtime.containerStatus(event.containerId))?.state)
      }
    })()
    // The subscription may begin late: a first pod is repeated until an event of it is seen.
    while (seen.length === 0) await runtime.removePodSandbox(await runtime.runPodSandbox(node.sandbox(`first-${seen.length}`)))
    const { sandboxId, containerId } = await started(node.sandbox('told'), 'exit 5')
    const ofContainer = () => seen.filter((event) => event.containerId === containerId).map(({ kind }) => kind)
    while (!stateAtEvent.has(containerId)) await node.env.sleep(10)
    expect(ofContainer()).toEqual(['created', 'started', 'stopped'])
    expect(stateAtEvent.get(containerId)).toBe('exited')
    await runtime.removePodSandbox(sandboxId)
    while (!ofContainer().includes('deleted')) await node.env.sleep(10)
    controller.abort()
    await reading
  })

  test('images are listed, with the sandbox image pinned, and can be removed', async () => {
    const images = await runtime.listImages()
    expect(images.find(({ tags }) => tags.includes(testImage))).toMatchObject({ pinned: false })
    expect(images.find(({ tags }) => tags.some((tag) => tag.includes('pause')))).toMatchObject({ pinned: true, uid: 65535 })
    expect(await runtime.imageStatus(testImage)).toMatchObject({ tags: [testImage] })
    expect(await runtime.imageFsInfo()).toMatchObject([{ mountpoint: expect.stringContaining(node.options.root) }])
  })

  test('a pull that cannot succeed says why, and one that is given up ends', async () => {
    await expect(runtime.pullImage('127.0.0.1:1/app:1')).rejects.toThrow('failed to pull and unpack image "127.0.0.1:1/app:1"')
    const controller = new AbortController()
    controller.abort()
    await expect(runtime.pullImage('127.0.0.1:1/app:1', undefined, undefined, { signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
  })
})
