import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { configMap, node, pod, service } from '@skiff/api'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, type Outcome, run, skiff, type TestCluster, traces, until, whyNoCluster } from './cluster/cluster.ts'
import { packWebImages, webManifest } from './cluster/image.ts'

const recordOf = ({ dir }: TestCluster) =>
  JSON.parse(readFileSync(join(dir, 'cluster.json'), 'utf8')) as {
    readonly server: { readonly pid: number }
    readonly apiPort: number
    readonly ranges: Readonly<Record<string, string>>
  }
const refused = ({ code, err }: Outcome): string => {
  expect(code).toBe(1)
  expect(err).toMatch(/^skiff: [^\n]+\n$/)
  return err
}
/** Without containers, so that nobody needs to be root. */
const plane = '--control-plane-only'

describe('up and down', { timeout: 60_000 }, () => {
  let cluster: TestCluster
  const make = async (label: string): Promise<TestCluster> => {
    cluster = await newCluster(label)
    return cluster
  }
  const up = (...args: string[]) => skiff(['up', '--name', cluster.name, '--data', cluster.dir, ...args])
  const keepData = () => cluster.skiff('down', '--name', cluster.name, '--keep-data')
  const maps = async (): Promise<string[]> => {
    const { items } = await (await cluster.client()).list(configMap, { namespace: 'kube-public' })
    return items.map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-root-ca.crt')
  }
  const write = async (name: string, data = ''): Promise<unknown> =>
    (await cluster.client()).create(configMap, { metadata: { name, namespace: 'kube-public' }, data: { data } } as never)
  afterEach(async () => {
    if (existsSync(cluster.dir)) expect(await cluster.remove()).toEqual([])
    else await rm(join(cluster.dir, '..'), { recursive: true, force: true })
  })

  test('a second up tells what runs and changes nothing; what it cannot change it refuses', async () => {
    await make('again')
    await cluster.up('--runtime', 'simulated', '--nodes', '2')
    const before = recordOf(cluster)
    const again = await up()
    expect([again.code, again.out]).toEqual([0, expect.stringMatching(/is running already\n[\s\S]*state +running, process \d+/)])
    expect(refused(await up('--nodes', '3'))).toContain('runs with 2 nodes; `skiff down --keep-data')
    expect(refused(await up('--controllers', '*,-job'))).toContain('runs with --controllers *;')
    expect(recordOf(cluster)).toEqual(before)
    await keepData()
    expect(refused(await up('--nodes', '1'))).toContain('nodes can only be added')
    expect(refused(await up('--runtime', 'containerd'))).toContain('was made with --runtime simulated')
    expect(refused(await up('--controllers', '*,-jobs'))).toContain('--controllers: "-jobs" is not in the list of known controllers')
    await cluster.up('--nodes', '3')
    expect((await (await cluster.client()).list(node)).items).toHaveLength(3)
    expect(recordOf(cluster)).toMatchObject({ apiPort: before.apiPort, ranges: before.ranges })
  })

  test('of two at the same time one makes the cluster, and the other is refused or finds it running', async () => {
    await make('twice')
    const outcomes = await Promise.all([up(plane), up(plane)])
    expect(outcomes.some(({ code, out }) => code === 0 && out.includes('is ready'))).toBe(true)
    for (const { code, out, err } of outcomes)
      if (!out.includes('is ready'))
        expect([code, out + err]).toEqual([expect.any(Number), expect.stringMatching(/is being changed by process|is running already/)])
    expect(outcomes.filter(({ out }) => out.includes('is ready'))).toHaveLength(1)
  })

  test('a port that is taken is named, and nothing is made', async () => {
    await make('port')
    const program = createServer().listen(0, '127.0.0.1')
    await new Promise((listening) => program.once('listening', listening))
    const { port } = program.address() as { port: number }
    expect(refused(await up(plane, '--api-port', String(port)))).toBe(
      `skiff: port ${port} is taken by another program; choose another with --api-port\n`,
    )
    await new Promise((closed) => program.close(closed))
    expect(existsSync(cluster.dir)).toBe(false)
    expect(refused(await skiff(['status', '--name', cluster.name]))).toContain('there is no cluster')
  })

  test('a directory with other files is left alone; so is a file', async () => {
    await make('foreign')
    await mkdir(cluster.dir)
    writeFileSync(join(cluster.dir, 'letters.txt'), 'mine')
    expect(refused(await up(plane))).toContain('holds other files (letters.txt) and no cluster; give an empty or new directory')
    expect(readdirSync(cluster.dir)).toEqual(['letters.txt'])
    expect(refused(await skiff(['up', '--name', cluster.name, '--data', join(cluster.dir, 'letters.txt')]))).toContain('is no directory')
    await rm(cluster.dir, { recursive: true })
  })

  test("files that are not the cluster's stay when it goes", async () => {
    await make('guest')
    await cluster.up(plane)
    writeFileSync(join(cluster.dir, 'letters.txt'), 'mine')
    await cluster.skiff('down', '--name', cluster.name)
    expect(readdirSync(cluster.dir)).toEqual(['letters.txt'])
    await rm(cluster.dir, { recursive: true })
  })

  test('a broken cluster.json is refused with what to do, and comes back with its copy', async () => {
    await make('record')
    await cluster.up(plane)
    await write('kept')
    await keepData()
    const path = join(cluster.dir, 'cluster.json')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.slice(0, 40))
    expect(refused(await up())).toMatch(/cluster\.json cannot be read \(.*\); move .* away, or remove it to begin anew/)
    writeFileSync(path, text)
    await cluster.up()
    expect(await maps()).toEqual(['kept'])
  })

  test('a damaged store is refused; a snapshot brings it back, and what was there stays beside it', async () => {
    await make('store')
    await cluster.up(plane)
    await write('one')
    const snapshot = join(cluster.dir, '..', 'snapshot')
    await cluster.skiff('snapshot', 'save', snapshot, '--name', cluster.name)
    await write('two')
    expect(refused(await skiff(['snapshot', 'save', snapshot, '--name', cluster.name]))).toContain('exists; name a new file')
    expect(refused(await skiff(['snapshot', 'restore', snapshot, '--name', cluster.name]))).toContain('is running; `skiff down --keep-data')
    await keepData()
    await cluster.skiff('snapshot', 'save', `${snapshot}-2`, '--name', cluster.name)
    const file = join(cluster.dir, 'store', 'store.db')
    writeFileSync(file, 'no database at all'.repeat(1000))
    expect(refused(await up())).toMatch(/store\.db cannot be used \(.*\): restore a snapshot/)
    await cluster.skiff('snapshot', 'restore', `${snapshot}-2`, '--name', cluster.name)
    await cluster.up()
    expect(await maps()).toEqual(['one', 'two'])
    await keepData()
    await cluster.skiff('snapshot', 'restore', snapshot, '--name', cluster.name)
    expect(existsSync(`${file}.replaced`)).toBe(true)
    await cluster.up()
    expect(await maps()).toEqual(['one'])
  })

  test('without nodes there is a control plane alone; with simulated ones pods run, and DNS can be found', async () => {
    await make('plane')
    await cluster.up(plane)
    expect((await (await cluster.client()).list(node)).items).toEqual([])
    expect(refused(await up('--nodes', '1'))).toContain('was made with --control-plane-only')
    expect(await cluster.remove()).toEqual([])
    await make('simulated')
    await cluster.up('--runtime', 'simulated')
    const client = await cluster.client()
    const dns = await client.get(service, { namespace: 'kube-system', name: 'kube-dns' })
    expect(dns.spec?.clusterIP).toBe(recordOf(cluster).ranges.services?.replace(/0\/16$/, '10'))
    await until('the default account', () =>
      client
        .create(pod, { metadata: { name: 'p', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'any' }] } } as never)
        .catch(() => undefined),
    )
    await until(
      'a simulated pod runs',
      async () => (await client.get(pod, { namespace: 'default', name: 'p' })).status?.phase === 'Running' || undefined,
    )
  })

  test('kubectl words without a kubeconfig go to the cluster that was named', async () => {
    await make('named')
    await cluster.up(plane)
    const env = { KUBECONFIG: '', HOME: join(cluster.dir, '..'), SKIFF_CLUSTER: cluster.name }
    expect((await skiff(['get', 'namespaces', '-o', 'name'], { env })).out).toContain('namespace/kube-system')
    expect((await skiff(['status'], { env })).out).toContain(`cluster     ${cluster.name}`)
    expect(refused(await skiff(['status'], { env: { ...env, SKIFF_CLUSTER: 'no-such' } }))).toContain('there is no cluster "no-such"')
    // A pipe can be read once.
    const script = '"$NODE" dist/skiff.js get namespace default -o name --kubeconfig <(cat "$FILE")'
    const piped = await run('bash', ['-c', script], { env: { ...env, NODE: process.execPath, FILE: cluster.kubeconfig } })
    expect(piped.out).toBe('namespace/default\n')
  })

  test('the journal is of the whole or of a part', async () => {
    await make('journal')
    await cluster.up('--runtime', 'simulated')
    const lines = async (...args: string[]) => (await cluster.skiff('journal', ...args, '--name', cluster.name)).trim().split('\n')
    expect(await lines('skiff')).toEqual([expect.stringContaining('skiff: starting'), expect.stringContaining('skiff: ready')])
    expect((await lines()).length).toBeGreaterThanOrEqual(2)
  })
})

const whyNoDisk = process.getuid?.() === 0 ? undefined : 'only root can mount a small disk'

describe.skipIf(whyNoDisk !== undefined)(`a full disk${whyNoDisk ? ` (skipped: ${whyNoDisk})` : ''}`, { timeout: 60_000 }, () => {
  test('writes are refused in words, what was acknowledged stays, and space makes all well', async () => {
    const cluster = await newCluster('full')
    await mkdir(cluster.dir)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', cluster.dir])
    try {
      await cluster.up(plane)
      const client = await cluster.client()
      const data = { data: 'x'.repeat(200_000) }
      const kept: string[] = []
      const fill = async (): Promise<unknown> => {
        for (let index = 0; ; index++) {
          const name = `c-${String(index).padStart(4, '0')}`
          try {
            await client.create(configMap, { metadata: { name, namespace: 'default' }, data } as never)
            kept.push(name)
          } catch (error) {
            return error
          }
        }
      }
      expect(String(await fill())).toMatch(/the disk did not take the write \(.*full.*\) and nothing of it was kept: make space/)
      const held = async () =>
        (await (await cluster.client()).list(configMap, { namespace: 'default' })).items
          .map(({ metadata }) => metadata.name)
          .filter((name) => name.startsWith('c-'))
      expect(await held()).toEqual(kept)
      // Nothing at all is left, not even for a start.
      execFileSync('sh', ['-c', 'dd if=/dev/zero of="$0" bs=1k 2>/dev/null || true', join(cluster.dir, 'nodes')])
      process.kill(cluster.pid(), 'SIGKILL')
      await until('the server ends', () => (existsSync(`/proc/${cluster.pid()}`) ? undefined : true))
      expect(refused(await skiff(['up', '--name', cluster.name]))).toContain(
        `the disk of ${cluster.dir} is full: make space, then try again`,
      )
      await rm(join(cluster.dir, 'nodes'))
      execFileSync('mount', ['-o', 'remount,size=64m', cluster.dir])
      await cluster.up()
      expect(await held()).toEqual(kept)
      await (await cluster.client()).create(configMap, { metadata: { name: 'after', namespace: 'default' } } as never)
      await cluster.skiff('down', '--name', cluster.name)
      expect(readdirSync(cluster.dir)).toEqual([])
    } finally {
      execFileSync('umount', ['-l', cluster.dir])
      await rm(join(cluster.dir, '..'), { recursive: true, force: true })
    }
  })
})

const why = await whyNoCluster()

// Pods that ended often wait before they start again.
describe.skipIf(why !== undefined)(`up and down with containers${why ? ` (skipped: ${why})` : ''}`, { timeout: 150_000 }, () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await newCluster('updown')
    await cluster.up('--nodes', '2')
    await packWebImages(cluster)
    const applied = await run('kubectl', ['apply', '-f', '-'], { input: webManifest(4), env: { KUBECONFIG: cluster.kubeconfig } })
    expect(applied.code, applied.err).toBe(0)
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  })
  afterAll(async () => {
    if (existsSync(cluster.dir)) expect(await cluster.remove()).toEqual([])
  })

  const restarts = async (): Promise<readonly (readonly [string, boolean, number])[]> => {
    const { items } = await (await cluster.client()).list(pod, { namespace: 'default' })
    return items.map(({ metadata, status }) => {
      const [container] = status?.containerStatuses ?? []
      return [metadata.name, container?.ready ?? false, container?.restartCount ?? -1] as const
    })
  }
  const settled = (what: string, count?: number) =>
    until(what, async () => {
      const all = await restarts()
      return all.length === 4 && all.every(([, ready, times]) => ready && times === (count ?? times)) ? all : undefined
    })
  const on = (...words: string[]) => [...words, '--name', cluster.name]

  test('kept data: the same pods come back with one restart each, and further nodes join', async () => {
    const before = await settled('pods are ready', 0)
    await cluster.skiff(...on('down', '--keep-data'))
    const cgroups = await run('find', ['/sys/fs/cgroup', '-type', 'd', '-name', cluster.name])
    expect([cgroups.out, existsSync(join('/run/skiff', cluster.name))]).toEqual(['', false])
    await cluster.up('--nodes', '3')
    const after = await settled('pods are back', 1)
    expect(after.map(([name]) => name)).toEqual(before.map(([name]) => name))
    expect((await (await cluster.client()).list(node)).items).toHaveLength(3)
  })

  test('a node that is stopped stays so until it is started; then it is Ready when the word is given', async () => {
    const name = `${cluster.name}-node-3`
    await cluster.skiff(...on('node', 'stop', name))
    expect(existsSync(join('/run/skiff', cluster.name, name, 'agent.json'))).toBe(false)
    await cluster.skiff(...on('down', '--keep-data'))
    await cluster.up()
    expect(existsSync(join('/run/skiff', cluster.name, name, 'agent.json'))).toBe(false)
    expect(await cluster.skiff(...on('node', 'start', name))).toBe(`node ${name} is started and Ready\n`)
    await cluster.skiff(...on('node', 'stop', name))
    await cluster.skiff(...on('down', '--keep-data'))
    expect(await cluster.skiff(...on('node', 'start', name))).toContain('starts with it at the next `skiff up')
    expect(await cluster.up()).toContain(`node ${name} (`)
  })

  test('a killed server leaves agents running, and the next one takes them up; a killed agent is started again', async () => {
    const name = `${cluster.name}-node-2`
    const agent = () => (JSON.parse(readFileSync(join('/run/skiff', cluster.name, name, 'agent.json'), 'utf8')) as { pid: number }).pid
    const before = agent()
    const counts = await settled('pods are ready')
    const server = cluster.pid()
    process.kill(server, 'SIGKILL')
    await until('the server ends', () => (existsSync(`/proc/${server}`) ? undefined : true))
    expect(await cluster.skiff(...on('status'))).toContain('the server has ended; containers run on')
    await cluster.up()
    expect(agent()).toBe(before)
    process.kill(before, 'SIGKILL')
    await until('the agent is back', () => (agent() === before ? undefined : true))
    expect(await cluster.skiff(...on('journal', 'members'))).toContain(`node process ended; it is started again node="${name}"`)
    await until(
      'it says so itself',
      async () => (await cluster.skiff(...on('journal'))).includes(`${name} skiff: node runs pid=${agent()}`) || undefined,
    )
    expect(await restarts()).toEqual(counts)
  })

  test('containerd that is killed is started again; containers run on, and the journal says so', async () => {
    const file = join('/run/skiff', cluster.name, `${cluster.name}-node-2`, 'c', 'containerd.pid')
    const daemon = () => (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid
    const [before, counts] = [daemon(), await settled('pods are ready')]
    process.kill(before, 'SIGKILL')
    await until('containerd is back', () => (daemon() === before ? undefined : true))
    const { items } = await (await cluster.client()).list(pod, { namespace: 'default' })
    const one = items.find(({ spec }) => spec?.nodeName === `${cluster.name}-node-2`)
    await until(
      'exec works',
      async () =>
        (await run('kubectl', ['exec', one?.metadata.name ?? '', '--', 'true'], { env: { KUBECONFIG: cluster.kubeconfig } })).code === 0 ||
        undefined,
    )
    expect(await restarts()).toEqual(counts)
    expect(await cluster.skiff(...on('journal', 'containerd'))).toContain('containerd died; it is started again')
  })

  test('a first start that fails leaves nothing on the machine but its files, and the next one goes on from them', async () => {
    const other = await newCluster('failed')
    const pki = join(other.dir, 'pki')
    await mkdir(pki, { recursive: true })
    for (const name of ['ca.crt', 'ca.key']) writeFileSync(join(pki, name), 'x')
    expect(refused(await skiff(['up', '--name', other.name, '--data', other.dir]))).toContain('ca.crt and its key cannot be used')
    const left = await traces(other.name, other.dir)
    expect(left.filter((trace) => trace !== other.dir && !trace.startsWith('/var/lib/skiff/'))).toEqual([])
    expect(await other.skiff('status', '--name', other.name)).toMatch(/state +stopped/)
    for (const name of ['ca.crt', 'ca.key']) await rm(join(pki, name))
    await other.up()
    expect(await other.remove()).toEqual([])
  })

  test('after the machine went down with everything, pods come back as after a restart', async () => {
    const before = await settled('pods are ready')
    const run = join('/run/skiff', cluster.name)
    const belongs = (pid: string): boolean => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return (
          words.includes(`${run}/`) ||
          words.includes(`--name\0${cluster.name}\0`) ||
          readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/skiff/${cluster.name}/`)
        )
      } catch {
        return false
      }
    }
    const processes = () => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && belongs(pid))
    await until('nothing of it runs', () => {
      const pids = processes()
      for (const pid of pids)
        try {
          process.kill(Number(pid), 'SIGKILL')
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // It ended by itself since.
        }
      return pids.length === 0 || undefined
    })
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
    const own = mounts.filter(
      (path) => path.startsWith(`${run}/`) || path.startsWith(`${cluster.dir}/`) || path.startsWith(`/run/netns/skiff.${cluster.name}.`),
    )
    for (const path of own.reverse()) execFileSync('umount', ['-l', path])
    for (const name of readdirSync('/run/netns').filter((each) => each.startsWith(`skiff.${cluster.name}.`)))
      await rm(join('/run/netns', name))
    await rm(run, { recursive: true })
    await cluster.up()
    // Until its agents have looked, the API holds what was true before.
    const wanted = before.map(([name, , times]) => [name, true, times + 1])
    await until('pods are back', async () => (isDeepStrictEqual(await restarts(), wanted) ? true : undefined))
  })

  test('two clusters at once get ranges of their own, also while one is stopped', async () => {
    const others = await Promise.all([newCluster('ranges1'), newCluster('ranges2')])
    try {
      await Promise.all(others.map((other) => other.up()))
      const [first, second] = others as [TestCluster, TestCluster]
      const all = [cluster, ...others].flatMap((each) => Object.values(recordOf(each).ranges))
      expect(new Set(all).size).toBe(all.length)
      await first.skiff('down', '--name', first.name, '--keep-data')
      expect(await second.remove()).toEqual([])
      await second.up()
      expect(Object.values(recordOf(second).ranges)).not.toContain(recordOf(first).ranges.pods)
    } finally {
      for (const other of others) if (existsSync(other.dir)) expect(await other.remove()).toEqual([])
    }
  })
})
