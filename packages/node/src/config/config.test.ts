import type { ConfigMap, Container, Pod, Secret, Service } from '@skiff/api'
import { notFound } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { podOf } from '../pods/testing/life.ts'
import { parseResolvConf, podDns } from './dns.ts'
import { environmentOf, type Referents } from './env-vars.ts'
import { expand } from './expansion.ts'
import { fieldValue, resourceValue } from './field-ref.ts'
import { hostnameOf, managedHosts, nodeHosts } from './hosts-file.ts'
import { volumeMounts } from './mounts.ts'
import { cgroupParent, containerResources, cpuQuotaUs, cpuShares, oomScoreAdj, podResources } from './resources.ts'
import { checkNonRoot, containerSecurity, sandboxSecurity } from './security.ts'
import { serviceEnv } from './service-env.ts'

describe('$(NAME)', () => {
  const values: Record<string, string> = { A: '1', B_2: 'two', EMPTY: '' }
  // Cases as upstream's documentation tells them.
  test.each([
    ['$(A)', '1'],
    ['x$(A)y$(B_2)z', 'x1ytwoz'],
    ['$(NONE)', '$(NONE)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$', '$'],
    ['a$', 'a$'],
    ['$$', '$'],
    ['$(A', '$(A'],
    ['$A', '$A'],
    ['$(EMPTY)|', '|'],
    ['$()', '$()'],
    ['$($(A))', '$($(A))'],
    ['foo$$bar', 'foo$bar'],
  ])('%s', (text, expanded) => {
    expect(expand(text, (name) => values[name])).toBe(expanded)
  })
})

const service = (name: string, spec: Partial<Service['spec']>, namespace = 'default') =>
  ({ metadata: { name, namespace }, spec }) as unknown as Service

describe('variables of services', () => {
  const all = [
    service('kubernetes', { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] }),
    service(
      'my-db',
      {
        clusterIP: '10.96.0.7',
        ports: [
          { name: 'sql-x', port: 1 },
          { name: 'dns', port: 2, protocol: 'UDP' },
        ],
      },
      'apps',
    ),
    service('headless', { clusterIP: 'None', ports: [{ port: 80 }] }, 'apps'),
    service('other', { clusterIP: '10.96.0.8', ports: [{ port: 80 }] }, 'elsewhere'),
  ]

  test('those of the namespace and the API server', () => {
    const env = serviceEnv(all, 'apps', true)
    expect(Object.fromEntries([...env].filter(([name]) => name.startsWith('MY_DB')))).toEqual({
      MY_DB_SERVICE_HOST: '10.96.0.7',
      MY_DB_SERVICE_PORT: '1',
      MY_DB_SERVICE_PORT_SQL_X: '1',
      MY_DB_SERVICE_PORT_DNS: '2',
      MY_DB_PORT: 'tcp://10.96.0.7:1',
      MY_DB_PORT_1_TCP: 'tcp://10.96.0.7:1',
      MY_DB_PORT_1_TCP_PROTO: 'tcp',
      MY_DB_PORT_1_TCP_PORT: '1',
      MY_DB_PORT_1_TCP_ADDR: '10.96.0.7',
      MY_DB_PORT_2_UDP: 'udp://10.96.0.7:2',
      MY_DB_PORT_2_UDP_PROTO: 'udp',
      MY_DB_PORT_2_UDP_PORT: '2',
      MY_DB_PORT_2_UDP_ADDR: '10.96.0.7',
    })
    expect(env.get('KUBERNETES_SERVICE_HOST')).toBe('10.96.0.1')
    expect([...env.keys()].some((name) => /HEADLESS|OTHER/.test(name))).toBe(false)
  })

  test('without links, the API server alone', () => {
    expect([...serviceEnv(all, 'apps', false).keys()].every((name) => name.startsWith('KUBERNETES_'))).toBe(true)
  })
})

const pod: Pod = podOf({ nodeName: 'n1', serviceAccountName: 'sa' }, { labels: { b: 'say "hi"', a: '1' }, annotations: { 'x/y': 'z' } })
const fields = { pod, podIps: ['10.1.0.2', 'fd00::2'], hostIps: ['192.0.2.1'], allocatable: { cpu: '4', memory: '8Gi' } }

describe('fields of the pod', () => {
  test.each([
    ['metadata.name', 'p'],
    ['metadata.namespace', 'default'],
    ['metadata.uid', 'u1'],
    ['metadata.labels', 'a="1"\nb="say \\"hi\\""'],
    ["metadata.labels['a']", '1'],
    ["metadata.labels['__proto__']", ''],
    ["metadata.annotations['x/y']", 'z'],
    ['spec.nodeName', 'n1'],
    ['spec.serviceAccountName', 'sa'],
    ['status.podIP', '10.1.0.2'],
    ['status.podIPs', '10.1.0.2,fd00::2'],
    ['status.hostIP', '192.0.2.1'],
  ])('%s', (fieldPath, value) => {
    expect(fieldValue({ fieldPath }, fields)).toBe(value)
  })

  test.each([
    [{ resource: 'limits.cpu' }, '1'],
    [{ resource: 'limits.cpu', divisor: '1m' }, '250'],
    [{ resource: 'requests.memory', divisor: '1Mi' }, '65'],
    [{ resource: 'limits.memory', divisor: '1Gi' }, '8'],
    [{ resource: 'requests.cpu' }, '0'],
  ])('%o', (ref, value) => {
    const container = { name: 'c', resources: { limits: { cpu: '250m' }, requests: { memory: '64.5Mi' } } }
    expect(resourceValue(ref, container, fields)).toBe(value)
  })
})

describe('environment', () => {
  const referents: Referents = {
    configMap: async (_namespace, name) => {
      if (name !== 'm') throw notFound({ group: '', resource: 'configmap' }, name)
      return { data: { a: '1', 'bad=name': 'x' } } as unknown as ConfigMap
    },
    secret: async (_namespace, name) => {
      if (name !== 's') throw notFound({ group: '', resource: 'secret' }, name)
      return { data: { k: Buffer.from('ü').toString('base64') } } as unknown as Secret
    },
  }
  const env = async (container: Partial<Container>) => {
    const warnings: string[] = []
    const services = new Map([['S_SERVICE_HOST', '10.0.0.9']])
    const found = await environmentOf({
      ...{ container: { name: 'c', ...container }, fields, services, referents },
      warn: (message) => warnings.push(message),
    })
    return { env: Object.fromEntries(found), warnings }
  }

  test('envFrom, then env, then services; each sees those before it', async () => {
    const { env: found, warnings } = await env({
      envFrom: [{ prefix: 'P_', configMapRef: { name: 'm' } }, { secretRef: { name: 's' } }],
      env: [
        { name: 'X', value: '$(P_a)$(k)$(S_SERVICE_HOST)$(Y)' },
        { name: 'Y', value: 'later' },
        { name: 'k', value: 'over' },
      ],
    })
    expect(found).toEqual({ P_a: '1', k: 'over', X: '1ü10.0.0.9$(Y)', Y: 'later', S_SERVICE_HOST: '10.0.0.9' })
    expect(warnings).toEqual([
      'Keys [P_bad=name] from the EnvFrom configMap default/m were skipped since they are considered invalid environment variable names.',
    ])
  })

  test.each([
    [{ configMapKeyRef: { name: 'm', key: 'none' } }, "couldn't find key none in ConfigMap default/m"],
    [{ secretKeyRef: { name: 's', key: 'none' } }, "couldn't find key none in Secret default/s"],
    [{ configMapKeyRef: { name: 'gone', key: 'a' } }, 'configmap "gone" not found'],
    [{ secretKeyRef: { name: 'gone', key: 'a' } }, 'secret "gone" not found'],
  ])('%o is refused', async (valueFrom, message) => {
    await expect(env({ env: [{ name: 'X', valueFrom }] })).rejects.toThrow(message)
  })

  test('what is optional may be missing', async () => {
    const { env: found } = await env({
      envFrom: [{ configMapRef: { name: 'gone', optional: true } }],
      env: [
        { name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'none', optional: true } } },
        { name: 'Z', valueFrom: { configMapKeyRef: { name: 'gone', key: 'a', optional: true } } },
      ],
    })
    expect(found).toEqual({ S_SERVICE_HOST: '10.0.0.9' })
  })
})

describe('DNS', () => {
  const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local' }
  const host = { servers: ['192.0.2.53'], searches: ['corp'], options: ['timeout:1'] }
  const dns = (spec: Partial<Pod['spec']>) => podDns(podOf(spec), cluster, host)

  test('by policy', () => {
    const first = {
      servers: ['10.96.0.10'],
      searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp'],
      options: ['ndots:5'],
    }
    expect(dns({})).toEqual(first)
    expect(dns({ dnsPolicy: 'ClusterFirst', hostNetwork: true })).toEqual(host)
    expect(dns({ dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true })).toEqual(first)
    expect(dns({ dnsPolicy: 'Default' })).toEqual(host)
    expect(dns({ dnsPolicy: 'None', dnsConfig: { nameservers: ['9.9.9.9'] } })).toEqual({ servers: ['9.9.9.9'], searches: [], options: [] })
  })

  test('the pod adds servers and searches, and replaces options', () => {
    const own = { nameservers: ['9.9.9.9', '10.96.0.10'], searches: ['own'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] }
    expect(dns({ dnsConfig: own })).toEqual({
      servers: ['10.96.0.10', '9.9.9.9'],
      searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp', 'own'],
      options: ['ndots:2', 'edns0'],
    })
  })

  test('resolv.conf is read as the resolver reads it', () => {
    const text = '# x\nnameserver 1.1.1.1 ; y\ndomain old\nsearch a. b\noptions ndots:1 rotate\nnameserver\n'
    expect(parseResolvConf(text)).toEqual({ servers: ['1.1.1.1'], searches: ['a', 'b'], options: ['ndots:1', 'rotate'] })
  })
})

describe('names', () => {
  test('hostname, subdomain and FQDN', () => {
    expect(hostnameOf(pod, 'd')).toEqual({ hostname: 'p', domain: '', nodename: 'p' })
    expect(hostnameOf(podOf({ hostname: 'h', subdomain: 's', setHostnameAsFQDN: true }), 'd')).toEqual({
      hostname: 'h',
      domain: 's.default.svc.d',
      nodename: 'h.s.default.svc.d',
    })
    expect(hostnameOf(podOf({}, { name: `${'a'.repeat(62)}.b` }), 'd').hostname).toBe('a'.repeat(62))
    expect(() => hostnameOf(podOf({ hostname: 'h'.repeat(60), subdomain: 's', setHostnameAsFQDN: true }), 'd')).toThrow('is too long')
  })

  test('hosts files', () => {
    const name = { hostname: 'h', domain: '', nodename: 'h' }
    expect(managedHosts(['10.0.0.1', 'fd00::1'], name).split('\n').slice(7)).toEqual(['10.0.0.1\th', 'fd00::1\th', ''])
    expect(nodeHosts('127.0.0.1 localhost\n', [{ ip: '1.1.1.1', hostnames: ['a', 'b'] }])).toBe(
      '# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n\n# Entries added by HostAliases.\n1.1.1.1\ta\tb\n',
    )
  })
})

describe('resources', () => {
  test('shares and quota', () => {
    expect([0, 1, 100, 1000, 999_000].map(cpuShares)).toEqual([2, 2, 102, 1024, 262_144])
    expect([0, 5, 100, 2500].map(cpuQuotaUs)).toEqual([0, 1000, 10_000, 250_000])
  })

  const gib = 2 ** 30
  const score = (resources: object, priority = 0) => {
    const own = podOf({ priority, containers: [{ name: 'c', resources }] })
    return oomScoreAdj(own, own.spec.containers[0] as Container, 4 * gib)
  }
  test('how soon a container is killed when memory runs out', () => {
    expect(score({})).toBe(1000)
    expect(score({ limits: { cpu: '1', memory: '1Gi' } })).toBe(-997)
    expect(score({ requests: { memory: '1Gi' } })).toBe(750)
    expect(score({ requests: { cpu: '1' } })).toBe(999)
    expect(score({ requests: { memory: '4Gi' } })).toBe(3)
    expect(score({}, 2_000_000_000)).toBe(-997)
  })

  test('of a container and of its pod', () => {
    const own = podOf({ containers: [{ name: 'c', resources: { limits: { cpu: '1', memory: '64Mi' } } }, { name: 'd' }] })
    const [container] = own.spec.containers
    expect(containerResources(own, container as Container, gib)).toEqual({
      cpuShares: 1024,
      cpuPeriodUs: 100_000,
      cpuQuotaUs: 100_000,
      memoryLimitBytes: 64 * 2 ** 20,
      oomScoreAdj: 938,
    })
    expect(podResources(own)).toEqual({ cpuShares: 2 })
    expect(cgroupParent(own, '/root')).toBe('/root/burstable/podu1')
  })
})

describe('security', () => {
  const image = { ref: 'i', username: '' }
  const check = (pod: Partial<Pod['spec']>, own: object, found = image) =>
    checkNonRoot(podOf(pod), { name: 'c', securityContext: own }, found)

  test('what must not run as root', () => {
    const where = '(pod: "p_default(u1)", container: c)'
    expect(() => check({}, { runAsNonRoot: true })).toThrow(`container has runAsNonRoot and image will run as root ${where}`)
    expect(() => check({}, { runAsNonRoot: true, runAsUser: 0 })).toThrow(`container's runAsUser breaks non-root policy ${where}`)
    expect(() => check({}, { runAsNonRoot: true }, { ...image, username: 'web' })).toThrow('image has non-numeric user (web)')
    expect(() => check({ securityContext: { runAsNonRoot: true } }, { runAsNonRoot: false })).not.toThrow()
    expect(() => check({ securityContext: { runAsNonRoot: true, runAsUser: 5 } }, {})).not.toThrow()
    expect(() => check({}, { runAsNonRoot: true }, { ...image, uid: 7 } as never)).not.toThrow()
  })

  test("the container's own context over its pod's", () => {
    const own = podOf({
      hostPID: true,
      securityContext: { runAsUser: 1, runAsGroup: 2, fsGroup: 3, supplementalGroups: [4], seccompProfile: { type: 'RuntimeDefault' } },
    })
    const securityContext = {
      runAsUser: 9,
      allowPrivilegeEscalation: false,
      capabilities: { add: ['NET_ADMIN'] },
      procMount: 'Unmasked' as const,
    }
    expect(containerSecurity(own, { name: 'c', securityContext }, '/seccomp')).toEqual({
      capabilities: { add: ['NET_ADMIN'], drop: [] },
      runAsUser: 9,
      runAsGroup: 2,
      supplementalGroups: [3, 4],
      noNewPrivileges: true,
      seccomp: { type: 'runtimeDefault' },
      maskedPaths: [],
      readonlyPaths: [],
      pid: 'node',
    })
    expect(sandboxSecurity(podOf({ hostNetwork: true, shareProcessNamespace: true })).namespaces).toEqual({
      network: 'node',
      ipc: 'pod',
      pid: 'pod',
    })
  })

  test('a debug container joins the processes of its target', () => {
    expect(containerSecurity(podOf({}), { name: 'd' }, '/s', 'target').pid).toEqual({ targetContainerId: 'target' })
    expect(containerSecurity(podOf({ shareProcessNamespace: true }), { name: 'd' }, '/s', 'target').pid).toBe('pod')
  })
})

describe('mounts', () => {
  const volumes = new Map([
    ['v', { hostPath: '/v', readOnly: false }],
    ['ro', { hostPath: '/ro', readOnly: true }],
  ])
  const mounts = (container: Partial<Container>) =>
    volumeMounts(
      { name: 'c', ...container },
      volumes,
      new Map([['POD', 'p1']]),
      async ({ volume, subPath }) => `${volume.hostPath}/${subPath}`,
    )

  test('in order, with parts of volumes by name or by variables', async () => {
    const found = await mounts({
      volumeMounts: [
        { name: 'v', mountPath: '/a', readOnly: true, mountPropagation: 'HostToContainer' },
        { name: 'v', mountPath: 'b', subPath: 'x' },
        { name: 'ro', mountPath: '/c', subPathExpr: 'logs/$(POD)' },
      ],
    })
    expect(found).toEqual([
      { containerPath: '/a', hostPath: '/v', readonly: true, propagation: 'hostToContainer' },
      { containerPath: '/b', hostPath: '/v/x' },
      { containerPath: '/c', hostPath: '/ro/logs/p1', readonly: true },
    ])
  })

  test.each([
    [{ name: 'none', mountPath: '/a' }, 'cannot find volume "none" to mount into container "c"'],
    [{ name: 'v', mountPath: '/a', subPath: '/abs' }, 'error SubPath `/abs` must not be an absolute path'],
    [{ name: 'v', mountPath: '/a', subPath: 'x/../y' }, "unable to provision SubPath `x/../y`: must not contain '..'"],
    [{ name: 'v', mountPath: '/a', subPathExpr: '$(NONE)' }, 'missing value for NONE'],
  ])('%o is refused', async (mount, message) => {
    await expect(mounts({ volumeMounts: [mount] })).rejects.toThrow(message)
  })
})
