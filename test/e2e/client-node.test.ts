import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import {
  type ApiException,
  AppsV1Api,
  Attach,
  AuthenticationV1Api,
  CoreV1Api,
  Cp,
  Exec,
  Health,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  ListWatch,
  Log,
  Metrics,
  makeInformer,
  PatchStrategy,
  PortForward,
  setHeaderOptions,
  topNodes,
  type V1ConfigMap,
  type V1Deployment,
  type V1Pod,
  type V1Status,
  VersionApi,
  Watch,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, type TestCluster, until, whyNoCluster } from './cluster/cluster.ts'
import { packWebImages } from './cluster/image.ts'

const why = await whyNoCluster()
const namespace = 'default'

describe.skipIf(why !== undefined)(`the JavaScript client${why ? ` (skipped: ${why})` : ''}`, { timeout: 60_000 }, () => {
  let cluster: TestCluster
  let config: KubeConfig
  let core: CoreV1Api
  const dir = mkdtempSync(join(tmpdir(), 'skiff-client-node-'))

  beforeAll(async () => {
    cluster = await newCluster('client-node')
    await cluster.up()
    await packWebImages(cluster)
    config = loaded((fresh) => fresh.loadFromFile(cluster.kubeconfig))
    core = config.makeApiClient(CoreV1Api)
    await core.createNamespacedPod({ namespace, body: webPod('web') })
    await until('the pod', async () => {
      const { status } = await core.readNamespacedPod({ name: 'web', namespace })
      return status?.containerStatuses?.[0]?.ready ? true : undefined
    })
  })
  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true })
    expect(await cluster?.remove()).toEqual([])
  })

  test('each way to load a configuration leads to the cluster', async () => {
    const yaml = readFileSync(cluster.kubeconfig, 'utf8')
    const fromText = loaded((fresh) => fresh.loadFromString(yaml))
    const held = config.getCurrentCluster()
    const user = config.getCurrentUser()
    if (!held || !user) throw new Error('the kubeconfig names no cluster or no user')
    const fromParts = loaded((fresh) => fresh.loadFromClusterAndUser(held, user))
    const exported = loaded((fresh) => fresh.loadFromString(config.exportConfig()))
    for (const one of [fromText, fromParts, exported])
      expect((await one.makeApiClient(VersionApi).getCode()).gitVersion).toMatch(/^v1\.33\./)

    const { status } = await core.createNamespacedServiceAccountToken({
      name: 'default',
      namespace,
      body: { spec: { audiences: [], expirationSeconds: 3600 } },
    })
    const byToken = loaded((fresh) => fresh.loadFromClusterAndUser(held, { name: 'account', token: status?.token ?? '' }))
    const refused = await failure(byToken.makeApiClient(CoreV1Api).listNamespacedPod({ namespace }))
    expect(refused).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message:
        'pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"',
    })
    const health = new Health(config)
    expect([await health.readyz({}), await health.livez({})]).toEqual([true, true])
  })

  test('within a pod: what is mounted and set there leads to the cluster', async () => {
    const account = '/var/run/secrets/kubernetes.io/serviceaccount'
    mkdirSync(join(dir, account), { recursive: true })
    for (const file of ['ca.crt', 'token', 'namespace'])
      writeFileSync(join(dir, account, file), await printedInPod(['cat', `${account}/${file}`]))
    const before = { ...process.env }
    const { hostname, port } = new URL(config.getCurrentCluster()?.server ?? '')
    Object.assign(process.env, { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port })
    try {
      const inCluster = loaded((fresh) => fresh.loadFromCluster(dir))
      expect(inCluster.getContextObject(inCluster.getCurrentContext())?.namespace).toBe('default')
      expect((await inCluster.makeApiClient(VersionApi).getCode()).minor).toBe('33')
      const review = await inCluster.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} })
      expect(review.status?.userInfo?.username).toBe('system:serviceaccount:default:default')
      expect(review.status?.userInfo?.extra?.['authentication.kubernetes.io/pod-name']).toEqual(['web'])
    } finally {
      process.env = before
    }
  })

  test('create, read, replace, each patch and delete', async () => {
    const name = 'written'
    const made = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data: { a: '1' } } })
    expect(made.metadata?.creationTimestamp).toBeInstanceOf(Date)
    expect(await failure(core.createNamespacedConfigMap({ namespace, body: { metadata: { name } } }))).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "written" already exists',
    })
    const replaced = await core.replaceNamespacedConfigMap({ name, namespace, body: { ...made, data: { a: '2' } } })
    expect(replaced.data).toEqual({ a: '2' })
    expect(await failure(core.replaceNamespacedConfigMap({ name, namespace, body: made }))).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "written": the object has been modified; please apply your changes to the latest version and try again',
    })

    const patched = async (type: PatchStrategy, body: object, more: object = {}): Promise<unknown> =>
      (await core.patchNamespacedConfigMap({ name, namespace, body, ...more }, setHeaderOptions('Content-Type', type))).data
    expect(await patched(PatchStrategy.JsonPatch, [{ op: 'add', path: '/data/b', value: '3' }])).toEqual({ a: '2', b: '3' })
    // Without a header the generated client says JSON patch.
    const plain = await core.patchNamespacedConfigMap({ name, namespace, body: [{ op: 'remove', path: '/data/b' }] })
    expect(plain.data).toEqual({ a: '2' })
    expect(await patched(PatchStrategy.MergePatch, { data: { a: null, c: '4' } })).toEqual({ c: '4' })
    expect(await patched(PatchStrategy.StrategicMergePatch, { data: { d: '5' } })).toEqual({ c: '4', d: '5' })
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { c: '6' } }
    const apply = (more: object) => patched(PatchStrategy.ServerSideApply, applied, { fieldManager: 'me', ...more })
    expect(await failure(apply({}))).toMatchObject({
      code: 409,
      details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.c' }] },
    })
    expect(await apply({ force: true })).toEqual({ c: '6', d: '5' })

    await core.deleteNamespacedConfigMap({ name, namespace })
    expect(await failure(core.readNamespacedConfigMap({ name, namespace }))).toMatchObject({ code: 404, reason: 'NotFound' })
  })

  test('any kind by its manifest', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    const header = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'any', namespace } }
    const spec = {
      replicas: 0,
      selector: { matchLabels: { app: 'any' } },
      template: { metadata: { labels: { app: 'any' } }, spec: { containers: [{ name: 'web', image: 'e2e/web:1' }] } },
    }
    await objects.create({ ...header, spec } as V1Deployment)
    const image = { spec: { template: { spec: { containers: [{ name: 'web', image: 'e2e/web:2' }] } } } }
    const patched = await objects.patch<V1Deployment>({ ...header, ...image } as V1Deployment)
    expect(patched.spec?.template.spec?.containers).toMatchObject([{ name: 'web', image: 'e2e/web:2' }])
    const read = await objects.read<V1Deployment>(header)
    await until('the end of conflicts with the controller', async () => {
      const { metadata } = await objects.read<V1Deployment>(header)
      const next = { ...read, metadata: { ...read.metadata, resourceVersion: metadata?.resourceVersion, labels: { seen: 'yes' } } }
      return objects.replace(next as V1Deployment).catch(() => undefined)
    })
    const { items } = await objects.list<V1Deployment>(
      'apps/v1',
      'Deployment',
      namespace,
      undefined,
      undefined,
      undefined,
      undefined,
      'seen=yes',
    )
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['any'])
    const scale = await config.makeApiClient(AppsV1Api).readNamespacedDeploymentScale({ name: 'any', namespace })
    // Zero is left out of a scale.
    expect([scale.kind, scale.spec, scale.status?.selector]).toEqual(['Scale', {}, 'app=any'])
    await objects.delete(header)
    await until('its end', async () => ((await failure(objects.read(header)))?.code === 404 ? true : undefined))
  })

  test('what kubectl apply does, by hand: read and patch, or create', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
    const apply = async (data: Record<string, string>): Promise<V1ConfigMap> => {
      const spec = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'by-hand', namespace, annotations: {} }, data }
      Object.assign(spec.metadata.annotations, { [lastApplied]: JSON.stringify(spec) })
      const held = await failure(objects.read(spec))
      return held ? objects.create(spec) : objects.patch(spec)
    }
    expect((await apply({ a: '1' })).data).toEqual({ a: '1' })
    const second = await apply({ b: '2' })
    expect(second.data).toEqual({ a: '1', b: '2' })
    expect(JSON.parse(second.metadata?.annotations?.[lastApplied] ?? '').data).toEqual({ b: '2' })
    const dry = await objects.delete({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'by-hand', namespace } }, undefined, 'All')
    expect(dry.status).toBe('Success')
    await core.deleteNamespacedConfigMap({ name: 'by-hand', namespace })
  })

  test('a cache of what is listed and watched', async () => {
    const list = () => core.listNamespacedPod({ namespace, fieldSelector: 'metadata.name=web' })
    const cache = new ListWatch<V1Pod>(
      `/api/v1/namespaces/${namespace}/pods`,
      new Watch(config),
      list,
      false,
      undefined,
      'metadata.name=web',
    )
    await cache.start()
    expect(cache.get('web', namespace)?.status?.phase).toBe('Running')
    await core.patchNamespacedPod({ name: 'web', namespace, body: [{ op: 'add', path: '/metadata/labels', value: { foo: 'bar' } }] })
    await until('the label in the cache', () => cache.get('web', namespace)?.metadata?.labels?.foo)
    expect(cache.list(namespace).map(({ metadata }) => metadata?.name)).toEqual(['web'])
    await cache.stop()
  })

  test('lists page by page from one moment', async () => {
    const body = (index: number): V1ConfigMap => ({ metadata: { name: `page-${index}`, labels: { paged: 'yes' } } })
    for (let index = 0; index < 5; index++) await core.createNamespacedConfigMap({ namespace, body: body(index) })
    const names: (string | undefined)[] = []
    let next: string | undefined
    do {
      const page = await core.listNamespacedConfigMap({
        namespace,
        labelSelector: 'paged=yes',
        limit: 2,
        ...(next ? { _continue: next } : {}),
      })
      names.push(...page.items.map(({ metadata }) => metadata?.name))
      next = page.metadata?._continue
    } while (next)
    expect(names).toEqual(['page-0', 'page-1', 'page-2', 'page-3', 'page-4'])
    const gone = await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'paged=yes' })
    expect((await core.listNamespacedConfigMap({ namespace, labelSelector: 'paged=yes' })).items).toEqual([])
    expect(gone).toBeDefined()
  })

  test('a watch tells what happens, and ends by its timeout', async () => {
    const seen: string[] = []
    const ended = Promise.withResolvers<unknown>()
    const watch = new Watch(config)
    const path = `/api/v1/namespaces/${namespace}/configmaps`
    const abort = await watch.watch(
      path,
      { fieldSelector: 'metadata.name=watched', allowWatchBookmarks: true },
      (type, object: V1ConfigMap) => seen.push(`${type} ${object.metadata?.name} ${object.data?.a}`),
      ended.resolve,
    )
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'watched' }, data: { a: '1' } } })
    await core.patchNamespacedConfigMap({ name: 'watched', namespace, body: [{ op: 'replace', path: '/data/a', value: '2' }] })
    await core.deleteNamespacedConfigMap({ name: 'watched', namespace })
    await until('three events', () => (seen.length === 3 ? true : undefined))
    expect(seen).toEqual(['ADDED watched 1', 'MODIFIED watched 2', 'DELETED watched 2'])
    abort.abort()
    expect(await ended.promise).toMatchObject({ name: 'AbortError' })
    const closed = Promise.withResolvers<unknown>()
    await watch.watch(path, { timeoutSeconds: 1 }, () => {}, closed.resolve)
    expect(await closed.promise).toBe(null)
  })

  test('an informer tells what enters, changes and leaves its selector', async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`
    const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: 'informed=yes' })
    const informer = makeInformer<V1ConfigMap>(config, path, list, 'informed=yes')
    const seen: string[] = []
    for (const event of ['add', 'update', 'delete'] as const) informer.on(event, (object) => seen.push(`${event} ${object.metadata?.name}`))
    const faults: unknown[] = []
    informer.on('error', (fault: KubernetesObject) => faults.push(fault))
    const body = (name: string, labels: Record<string, string>): V1ConfigMap => ({ metadata: { name, labels } })
    await core.createNamespacedConfigMap({ namespace, body: body('first', { informed: 'yes' }) })
    await informer.start()
    await core.createNamespacedConfigMap({ namespace, body: body('second', { informed: 'yes' }) })
    await core.createNamespacedConfigMap({ namespace, body: body('other', {}) })
    await core.patchNamespacedConfigMap({ name: 'second', namespace, body: [{ op: 'add', path: '/data', value: { a: '1' } }] })
    // Out of the selector is deleted, as far as this informer goes; in again is added.
    await core.patchNamespacedConfigMap({ name: 'first', namespace, body: [{ op: 'remove', path: '/metadata/labels/informed' }] })
    await core.patchNamespacedConfigMap({
      name: 'other',
      namespace,
      body: [{ op: 'add', path: '/metadata/labels', value: { informed: 'yes' } }],
    })
    const all = ['add first', 'add second', 'update second', 'delete first', 'add other']
    await until('all events', () => (seen.length >= all.length ? true : undefined))
    expect(seen).toEqual(all)
    expect(faults).toEqual([])
    await informer.stop()
    for (const name of ['first', 'second', 'other']) await core.deleteNamespacedConfigMap({ name, namespace })
  })

  test('exec and attach', async () => {
    const exec = async (command: string[], input?: string, tty = false) => {
      const streams = [new PassThrough(), new PassThrough()] as const
      const texts = Promise.all(streams.map((stream) => text(stream)))
      const stdin = input === undefined ? null : new PassThrough().end(input)
      const status = await new Promise<V1Status>((done, failed) => {
        new Exec(config).exec(namespace, 'web', 'web', command, streams[0], tty ? null : streams[1], stdin, tty, done).catch(failed)
      })
      for (const stream of streams) stream.end()
      return { status, texts: await texts }
    }
    const good = await exec(['sh', '-c', 'echo out; echo err >&2'])
    expect(good).toMatchObject({ status: { status: 'Success' }, texts: ['out\n', 'err\n'] })
    const bad = await exec(['sh', '-c', 'exit 3'])
    expect(bad.status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      message: 'command terminated with non-zero exit code: error executing command [sh -c exit 3], exit code 3',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    })
    expect((await exec(['cat'], 'given\n')).texts).toEqual(['given\n', ''])
    expect((await exec(['tty'], undefined, true)).texts[0]).toMatch(/^\/dev\/pts\/\d+\r\n$/)

    await core.createNamespacedPod({
      namespace,
      body: webPod('reader', ['sh', '-c', 'read line; echo "got $line"; sleep 60'], { stdin: true }),
    })
    await running('reader')
    const out = new PassThrough()
    let printed = ''
    out.on('data', (part: Buffer) => (printed += part.toString()))
    const input = new PassThrough()
    const socket = await new Attach(config).attach(namespace, 'reader', 'web', out, null, input, false)
    input.write('hello\n')
    await until('an answer', () => (printed.includes('got hello\n') ? true : undefined))
    socket.close()
    await core.deleteNamespacedPod({ name: 'reader', namespace, gracePeriodSeconds: 0 })
  })

  test('logs, followed and cut', async () => {
    const script = 'for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done'
    await core.createNamespacedPod({ namespace, body: webPod('counter', ['sh', '-c', script], { restartPolicy: 'Never' }) })
    await running('counter')
    const log = new Log(config)
    const logged = async (options: object) => {
      const stream = new PassThrough()
      const all = text(stream)
      await log.log(namespace, 'counter', 'web', stream, options)
      return all
    }
    expect(await logged({ follow: true })).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n')
    expect(await logged({ tailLines: 2 })).toBe('line 4\nline 5\n')
    expect(await logged({ limitBytes: 4 })).toBe('line')
    expect(await logged({ timestamps: true, tailLines: 1 })).toMatch(/^\d{4}-\d\d-\d\dT\S+Z line 5\n$/)
    expect(await core.readNamespacedPodLog({ name: 'counter', namespace, tailLines: 1 })).toBe('line 5\n')
    expect(await failure(log.log(namespace, 'nothing', 'web', new PassThrough()))).toMatchObject({ code: 404 })
  })

  test('port-forward and copies', async () => {
    const output = new PassThrough()
    const input = new PassThrough()
    const page = new Promise<string>((done) => {
      let all = ''
      output.on('data', (part: Buffer) => {
        all += part.toString()
        if (all.endsWith('web\n')) done(all)
      })
    })
    const socket = await new PortForward(config).portForward(namespace, 'web', [8080], output, null, input)
    input.write('GET / HTTP/1.0\r\n\r\n')
    expect(await page).toMatch(/^HTTP\/1\.\d 200 OK\r\n/)
    if ('close' in socket) socket.close()

    const sent = join(dir, 'sent')
    mkdirSync(sent)
    const lines = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join('')
    writeFileSync(join(sent, 'file'), lines)
    const cp = new Cp(config)
    await cp.cpToPod(namespace, 'web', 'web', sent, '/tmp')
    const inPod = () => printedInPod(['cat', '/tmp/file'])
    expect(await until('the copy', async () => ((await inPod()) === lines ? lines : undefined))).toBe(lines)
  })

  test('metrics tell what nodes and pods use', async () => {
    const metrics = new Metrics(config)
    const [measured] = (await metrics.getNodeMetrics()).items
    expect(measured).toMatchObject({ usage: { cpu: expect.stringMatching(/^\d+n?$/), memory: expect.stringMatching(/^\d+(Ki)?$/) } })
    expect((await metrics.getPodMetrics(namespace)).kind).toBe('PodMetricsList')
    const nodes = await topNodes(core)
    expect(nodes.length).toBeGreaterThan(0)
    expect(Number(nodes[0]?.CPU.Capacity)).toBeGreaterThan(0)
  })

  const printedInPod = (command: string[]): Promise<string> =>
    new Promise((done, failed) => {
      const stream = new PassThrough()
      const all = text(stream)
      const end = () => {
        stream.end()
        done(all)
      }
      new Exec(config).exec(namespace, 'web', 'web', command, stream, null, null, false, end).catch(failed)
    })

  const running = (name: string) =>
    until(`${name} to run`, async () => {
      const { status } = await core.readNamespacedPod({ name, namespace })
      return status?.phase !== 'Pending' ? true : undefined
    })
})

const loaded = (load: (config: KubeConfig) => void): KubeConfig => {
  const config = new KubeConfig()
  load(config)
  return config
}

const webPod = (name: string, command?: string[], more: { stdin?: boolean; restartPolicy?: string } = {}): V1Pod => ({
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 0,
    ...(more.restartPolicy ? { restartPolicy: more.restartPolicy } : {}),
    containers: [{ name: 'web', image: 'e2e/web:1', ...(more.stdin ? { stdin: true } : {}), ...(command ? { command } : {}) }],
  },
})

/** The Status that a call was refused with. */
const failure = async (call: Promise<unknown>): Promise<V1Status | undefined> => {
  try {
    await call
  } catch (error) {
    const { body, code } = error as ApiException<unknown>
    const status = typeof body === 'string' ? parsed(body) : body
    return { code, ...(status as V1Status) }
  }
  return undefined
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
