import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type ConfigMap, type Container, configMap, type Pod, type PodSpec, pod as pods, secret, service } from '@skiff/api'
import { systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mountsUnder } from './containerd/mounts.ts'
import { startTestContainerd, type TestContainerd, testImage, whyNoContainerd } from './containerd/test-containerd.ts'
import { removeNodeFiles } from './files/node-files.ts'
import { type NodeAgent, startNodeAgent } from './node-agent.ts'
import { type ApiForNodes, createApiForNodes } from './testing/api-for-nodes.ts'

const why = await whyNoContainerd()

describe.skipIf(why !== undefined)(`the agent on a real containerd${why ? ` (skipped: ${why})` : ''}`, () => {
  const env = systemEnv()
  let node: TestContainerd
  let root: string
  let api: ApiForNodes
  let agent: NodeAgent

  const start = () =>
    startNodeAgent({
      client: api.client,
      env,
      nodeName: 'n1',
      runtime: node.containerd.runtime,
      rootDir: root,
      logDir: join(root, 'logs'),
      clusterDns: ['10.96.0.10'],
      clusterDomain: 'cluster.local',
      cgroupRoot: node.options.cgroupRoot ?? '',
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    })
  beforeAll(async () => {
    node = await startTestContainerd('n')
    root = await mkdtemp(join(tmpdir(), 'skiff-node-'))
    api = createApiForNodes(env)
    agent = await start()
  })
  afterAll(async () => {
    for (const { metadata } of api?.server.all(pods) ?? []) await api.client.remove(pods, metadata, { gracePeriodSeconds: 2 })
    await until(() => (api?.server.all(pods).length === 0 ? true : undefined))
    await agent?.stop()
    expect(await readdir(join(root, 'pods'))).toEqual([])
    await removeNodeFiles(root)
    expect(await mountsUnder([root])).toEqual([])
    await rm(root, { recursive: true, force: true })
    await node?.cleanUp()
    expect(await node?.traces()).toEqual([])
  })

  const until = async <T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> => {
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      await env.sleep(10)
    }
  }
  const ready = ({ status }: Pod) => status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
  const pod = (name: string, holds: (pod: Pod) => boolean): Promise<Pod> =>
    until(() => {
      const found = api.pod(name)
      return found && holds(found) ? found : undefined
    })
  const container = (script: string, more: Partial<Container> = {}): Container => ({
    name: 'c',
    image: testImage,
    command: ['/bin/sh', '-c', script],
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    ...more,
  })
  const run = (name: string, spec: Partial<PodSpec> & { containers: Container[] }, more: Partial<Pod['metadata']> = {}) =>
    api.bind('n1', { metadata: { name, ...more }, spec: { terminationGracePeriodSeconds: 1, ...spec } })
  const logs = async (name: string) => text(await agent.service.logs({ namespace: 'default', pod: name, container: 'c' }))
  const exec = async (name: string, script: string) => {
    const id = api.pod(name)?.status?.containerStatuses?.[0]?.containerID?.replace(/^.*\/\//, '') ?? ''
    return (await node.containerd.runtime.execSync(id, ['/bin/sh', '-c', script], 10)).stdout.toString()
  }
  const forever = 'trap "exit 0" TERM; while :; do sleep 0.1; done'

  test('a pod becomes ready, and goes with everything it had', async () => {
    await run('plain', { containers: [container(forever)] })
    const made = await pod('plain', ready)
    expect(made.status?.podIP).toMatch(/^10\./)
    expect(made.status?.containerStatuses?.[0]?.containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/)
    await api.client.remove(pods, { namespace: 'default', name: 'plain' })
    await until(() => (api.pod('plain') ? undefined : true))
    await until(async () => ((await readdir(join(root, 'pods'))).includes(made.metadata.uid) ? undefined : true))
    expect(await node.containerd.runtime.listContainers()).toEqual([])
  })

  test('volumes of every kind, and updates that reach the container', async () => {
    await api.client.create<ConfigMap>(configMap, { metadata: { name: 'm', namespace: 'default' }, data: { a: '1', 'b.txt': 'two' } })
    await api.client.create(configMap, { metadata: { name: 'kube-root-ca.crt', namespace: 'default' }, data: { 'ca.crt': 'CA' } })
    await api.client.create(secret, {
      metadata: { name: 's', namespace: 'default' },
      data: { password: Buffer.from('hush').toString('base64') },
    })
    const spec: PodSpec = {
      containers: [
        container(forever, {
          volumeMounts: [
            { name: 'm', mountPath: '/m' },
            { name: 's', mountPath: '/s', readOnly: true },
            { name: 'd', mountPath: '/d' },
            { name: 'e', mountPath: '/e' },
            { name: 'mem', mountPath: '/mem' },
            { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
            { name: 'm', mountPath: '/one', subPath: 'b.txt' },
            { name: 'e', mountPath: '/part', subPath: 'x/y' },
            { name: 'h', mountPath: '/h' },
          ],
        }),
      ],
      securityContext: { fsGroup: 2000 },
      volumes: [
        { name: 'm', configMap: { name: 'm', defaultMode: 0o640 } },
        { name: 's', secret: { secretName: 's', items: [{ key: 'password', path: 'deep/pw', mode: 0o400 }] } },
        { name: 'd', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        { name: 'e', emptyDir: {} },
        { name: 'mem', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
        {
          name: 'token',
          projected: {
            sources: [
              { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
              { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
            ],
          },
        },
        { name: 'h', hostPath: { path: join(root, 'host'), type: 'DirectoryOrCreate' } },
      ],
    }
    const made = await run('volumes', spec as never, { labels: { app: 'v' } })
    await pod('volumes', ready)
    expect(await exec('volumes', 'cat /m/a /m/b.txt /one /s/deep/pw /d/labels')).toBe('1twotwohushapp="v"')
    expect(await exec('volumes', 'cd /var/run/secrets/kubernetes.io/serviceaccount; cat token ca.crt namespace')).toMatch(
      /^token-\d+CAdefault$/,
    )
    expect(await exec('volumes', 'echo x > /part/f; cat /e/x/y/f; echo no > /m/a || echo refused')).toBe('x\nrefused\n')
    expect(await exec('volumes', 'ls -nLd /m/a | cut -c1-10; ls -nd /e | cut -c1-10; ls -nd /e | tr -s " " | cut -d" " -f4')).toBe(
      '-rw-r-----\ndrwxrwsrwx\n2000\n',
    )
    expect(await exec('volumes', 'cat /proc/mounts | grep " /mem "')).toMatch(/tmpfs .*size=1024k/)
    await api.client.patch(configMap, { namespace: 'default', name: 'm' }, 'merge', { data: { a: 'new' } })
    await api.client.patch(pods, { namespace: 'default', name: 'volumes' }, 'merge', { metadata: { labels: { app: 'w' } } })
    await until(async () => ((await exec('volumes', 'cat /m/a /d/labels')) === 'newapp="w"' ? true : undefined))
    await api.client.remove(pods, { namespace: 'default', name: 'volumes' })
    await until(() => (api.pod('volumes') ? undefined : true))
    expect(await mountsUnder([join(root, 'pods', made.metadata.uid)])).toEqual([])
  })

  test('environment, hosts, resolv.conf and hostname', async () => {
    await api.client.create(service, {
      metadata: { name: 'kubernetes', namespace: 'default' },
      spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] },
    })
    const env = [
      { name: 'A', value: '1' },
      { name: 'B', value: '$(A)-$(KUBERNETES_SERVICE_HOST)-$$(A)-$(NONE)' },
      { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
      { name: 'KEY', valueFrom: { configMapKeyRef: { name: 'm', key: 'b.txt' } } },
      { name: 'PW', valueFrom: { secretKeyRef: { name: 's', key: 'password' } } },
    ]
    const envFrom = [{ prefix: 'P_', configMapRef: { name: 'm' } }]
    const script = 'echo "$A $B $NODE $IP $CPU $KEY $PW $P_a"; hostname; cat /etc/hosts /etc/resolv.conf'
    const spec = {
      hostname: 'me',
      subdomain: 'sub',
      hostAliases: [{ ip: '192.0.2.9', hostnames: ['x', 'y'] }],
      restartPolicy: 'Never' as const,
    }
    await run('env', { ...spec, containers: [container(script, { env, envFrom, resources: { limits: { cpu: '500m' } } })] })
    const made = await pod('env', ({ status }) => status?.phase === 'Succeeded')
    const ip = made.status?.podIP
    expect((await logs('env')).split('\n')).toEqual([
      `1 1-10.96.0.1-$(A)-$(NONE) n1 ${ip} 500 two hush new`,
      'me',
      '# Kubernetes-managed hosts file.',
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      'fe00::0\tip6-localnet',
      'fe00::0\tip6-mcastprefix',
      'fe00::1\tip6-allnodes',
      'fe00::2\tip6-allrouters',
      `${ip}\tme.sub.default.svc.cluster.local\tme`,
      '',
      '# Entries added by HostAliases.',
      '192.0.2.9\tx\ty',
      expect.stringMatching(/^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/),
      'nameserver 10.96.0.10',
      'options ndots:5',
      '',
    ])
  })

  test('last words: from the file, and from the log where the policy says so', async () => {
    const script = 'echo from the log; printf bye > /dev/termination-log; exit 3'
    await run('words', { restartPolicy: 'Never', containers: [container(script)] })
    const fallback = { terminationMessagePolicy: 'FallbackToLogsOnError' as const }
    await run('fallback', { restartPolicy: 'Never', containers: [container('echo from the log; exit 4', fallback)] })
    const ended = (name: string) =>
      pod(name, ({ status }) => status?.phase === 'Failed').then(({ status }) => status?.containerStatuses?.[0]?.state?.terminated)
    expect(await ended('words')).toMatchObject({ exitCode: 3, reason: 'Error', message: 'bye' })
    expect(await ended('fallback')).toMatchObject({ exitCode: 4, message: 'from the log\n' })
  })

  test('a missing config map keeps the container back until it is there', async () => {
    await run('waiting', { containers: [container(forever, { envFrom: [{ configMapRef: { name: 'later' } }] })] })
    const stuck = await pod(
      'waiting',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    )
    expect(stuck.status?.containerStatuses?.[0]?.state?.waiting?.message).toBe('configmap "later" not found')
    await api.client.create(configMap, { metadata: { name: 'later', namespace: 'default' }, data: {} })
    await pod('waiting', ready)
  })

  test('a missing volume is told, and mounted once it is there', async () => {
    const volumes = [{ name: 'v', configMap: { name: 'soon' } }]
    await run('unmounted', { volumes, containers: [container(forever, { volumeMounts: [{ name: 'v', mountPath: '/v' }] })] })
    await until(() => (api.events('unmounted').some((event) => event.startsWith('FailedMount')) ? true : undefined))
    expect(api.events('unmounted')[0]).toBe('FailedMount MountVolume.SetUp failed for volume "v" : configmap "soon" not found')
    await api.client.create(configMap, { metadata: { name: 'soon', namespace: 'default' }, data: {} })
    await pod('unmounted', ready)
  })

  test('hooks and probes by command, HTTP and TCP', async () => {
    const serve = 'mkdir -p /tmp/w; echo fine > /tmp/w/ok; busybox httpd -p 8080 -h /tmp/w; trap "exit 0" TERM; while :; do sleep 0.1; done'
    const probes: Partial<Container> = {
      startupProbe: { exec: { command: ['cat', '/tmp/w/ok'] }, periodSeconds: 1 },
      readinessProbe: { httpGet: { path: '/ok', port: 'web' }, periodSeconds: 1 },
      livenessProbe: { tcpSocket: { port: '8080' }, periodSeconds: 1 },
      ports: [{ name: 'web', containerPort: 8080 }],
      lifecycle: { postStart: { exec: { command: ['/bin/sh', '-c', 'echo hooked > /tmp/hook'] } } },
    }
    await run('probed', { containers: [container(serve, probes)] })
    await pod('probed', ready)
    expect(await exec('probed', 'cat /tmp/hook')).toBe('hooked\n')
    await exec('probed', 'rm /tmp/w/ok')
    await pod('probed', (one) => !ready(one))
    expect(api.events('probed')).toContain('Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 404')
  })

  test('security: users, groups, read-only roots, capabilities, and what must not be root', async () => {
    const securityContext = { runAsUser: 1000, runAsGroup: 3000, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }
    const script = 'id -u; id -g; id -G; touch /x 2>/dev/null || echo no; grep CapBnd /proc/self/status'
    await run('secure', {
      restartPolicy: 'Never',
      securityContext: { supplementalGroups: [4000] },
      containers: [container(script, { securityContext })],
    })
    await pod('secure', ({ status }) => status?.phase === 'Succeeded')
    const lines = (await logs('secure')).split('\n')
    expect(lines.slice(0, 3)).toEqual(['1000', '3000', '3000 4000'])
    expect(lines).toContain('no')
    expect(lines).toContain('CapBnd:\t0000000000000000')
    await run('root', { containers: [container(forever, { securityContext: { runAsNonRoot: true } })] })
    const refused = await pod(
      'root',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    )
    expect(refused.status?.containerStatuses?.[0]?.state?.waiting?.message).toMatch(
      /^container has runAsNonRoot and image will run as root \(pod: "root_default\(.*\)", container: c\)$/,
    )
  })

  test('limits reach the cgroup', async () => {
    const resources = { limits: { memory: '32Mi', cpu: '250m' }, requests: { memory: '32Mi', cpu: '250m' } }
    await run('limited', { containers: [container(forever, { resources })] })
    const made = await pod('limited', ready)
    expect(made.status?.qosClass).toBe('Guaranteed')
    const info = await node.containerd.runtime.containerStatus(
      made.status?.containerStatuses?.[0]?.containerID?.replace(/^.*\/\//, '') ?? '',
    )
    expect(info?.resources).toMatchObject({ memoryLimitBytes: 32 * 2 ** 20, cpuQuotaUs: 25_000, cpuShares: 256 })
  })

  test('an agent that restarts finds the same containers, and goes on', async () => {
    await run('adopted', { containers: [container(forever)] })
    const before = await pod('adopted', ready)
    await agent.stop()
    agent = await start()
    const after = await until(() => api.pod('adopted'))
    await env.sleep(300)
    expect(after.status?.containerStatuses?.[0]).toEqual(before.status?.containerStatuses?.[0])
    await exec('adopted', 'kill -9 -1 || true').catch(() => {})
  })

  test('twenty pods at once', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `burst-${index}`)
    await Promise.all(names.map((name) => run(name, { containers: [container(forever)] })))
    await Promise.all(names.map((name) => pod(name, ready)))
  })
})
