import { gatesOf, parseRuntimeConfig } from '@skiff/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './testing/start.ts'

let plain: TestServer
let other: TestServer
beforeAll(async () => {
  plain = await startTestServer()
  other = await startTestServer({
    more: {
      gates: gatesOf(
        'HPAScaleToZero=true,HPAConfigurableTolerance=true,MaxUnavailableStatefulSet=true,ImageVolume=true,ClusterTrustBundle=true,PreferSameTrafficDistribution=true,RelaxedEnvironmentVariableValidation=false,RelaxedDNSSearchValidation=false,StrictIPCIDRValidation=true,InPlacePodVerticalScaling=false,UserNamespacesSupport=false',
      ),
      runtimeConfig: parseRuntimeConfig('api/beta=true,storage.k8s.io/v1beta1/volumeattributesclasses,batch/v1/cronjobs=false'),
    },
  })
  for (const { near } of [plain, other])
    await near.create({ group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true }, {
      metadata: { name: 'default', namespace: 'default' },
    } as never)
})
afterAll(async () => {
  await plain.close()
  await other.close()
})

const send = async (server: TestServer, method: string, path: string, body?: object) => {
  const answer = await server.raw(method, path, body && JSON.stringify(body))
  return answer.status < 300 ? answer.body : `${answer.status} ${answer.body.message}`
}

const pods = '/api/v1/namespaces/default/pods'
const container = { name: 'c', image: 'i' }
const podOf = (name: string, spec: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [container], ...spec },
})

test('fields of features that are off are dropped, in templates within templates too', async () => {
  const spec = {
    resources: { requests: { cpu: '1' } },
    resourceClaims: [{ name: 'r', resourceClaimName: 'x' }],
    containers: [{ ...container, resources: { claims: [{ name: 'r' }] }, lifecycle: { stopSignal: 'SIGUSR1' } }],
    volumes: [{ name: 'v', projected: { sources: [{ clusterTrustBundle: { name: 'b', path: 'p' } }] } }],
  }
  const pod = await send(plain, 'POST', pods, podOf('dropped', spec))
  expect([pod.spec.resources, pod.spec.resourceClaims, pod.spec.containers[0].resources, pod.spec.containers[0].lifecycle]).toEqual([
    undefined,
    undefined,
    {},
    {},
  ])
  expect(pod.spec.volumes[0].projected.sources).toEqual([{}])
  const cronJob = await send(plain, 'POST', '/apis/batch/v1/namespaces/default/cronjobs', {
    metadata: { name: 'c' },
    spec: {
      schedule: '* * * * *',
      jobTemplate: {
        spec: { template: { spec: { restartPolicy: 'Never', containers: [container], resources: { limits: { cpu: '1' } } } } },
      },
    },
  })
  expect(cronJob.spec.jobTemplate.spec.template.spec.resources).toBeUndefined()
})

const image = { volumes: [{ name: 'v', image: { reference: 'i' } }] }
test('a field of a feature that is on stays', async () => {
  expect(await send(plain, 'POST', pods, podOf('image', image))).toMatch(
    /^422 .*spec.volumes\[0\]: Required value: must specify a volume type/,
  )
  expect((await send(other, 'POST', pods, podOf('image', image))).spec.volumes[0].image).toEqual({ reference: 'i', pullPolicy: 'Always' })
})

test('one of 1.33 that is turned off goes, and its subresource with it', async () => {
  const spec = { hostUsers: false, containers: [{ ...container, resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] }] }
  const on = await send(plain, 'POST', pods, podOf('users', spec))
  const off = await send(other, 'POST', pods, podOf('users', spec))
  expect([on.spec.hostUsers, on.spec.containers[0].resizePolicy?.length]).toEqual([false, 1])
  expect([off.spec.hostUsers, off.spec.containers[0].resizePolicy]).toEqual([undefined, undefined])
  expect(await send(other, 'GET', `${pods}/users/resize`)).toBe('404 the server could not find the requested resource')
})

test('checks ask the feature', async () => {
  const odd = podOf('odd', { dnsConfig: { searches: ['_a.b'] }, containers: [{ ...container, env: [{ name: '1 a', value: 'x' }] }] })
  expect((await send(plain, 'POST', pods, odd)).metadata.name).toBe('odd')
  const refused = await send(other, 'POST', pods, odd)
  expect(refused).toContain(
    'spec.containers[0].env[0].name: Invalid value: "1 a": a valid environment variable name must consist of alphabetic',
  )
  expect(refused).toContain('spec.dnsConfig.searches[0]: Invalid value: "_a.b": a lowercase RFC 1123 subdomain')
  const service = (name: string, trafficDistribution: string) => ({
    metadata: { name },
    spec: { ports: [{ port: 80 }], trafficDistribution },
  })
  expect(await send(plain, 'POST', '/api/v1/namespaces/default/services', service('s', 'PreferSameZone'))).toContain(
    'spec.trafficDistribution: Unsupported value: "PreferSameZone": supported values: "PreferClose"',
  )
  expect((await send(other, 'POST', '/api/v1/namespaces/default/services', service('s', 'PreferSameZone'))).spec.trafficDistribution).toBe(
    'PreferSameZone',
  )
})

test.each([
  ['010.0.0.1', 'must not have leading 0s'],
  ['::ffff:1.2.3.4', 'must not be an IPv4-mapped IPv6 address'],
])('the address %s is read, and refused where that is strict', async (ip, message) => {
  const pod = (name: string) => podOf(name, { hostAliases: [{ ip, hostnames: ['h'] }] })
  const name = `alias-${ip.length}`
  expect((await send(plain, 'POST', pods, pod(name))).metadata.name).toBe(name)
  expect(await send(other, 'POST', pods, pod(name))).toContain(`spec.hostAliases[0].ip: Invalid value: ${JSON.stringify(ip)}: ${message}`)
})

test.each([
  ['10.0.0.1/8', 'must not have bits set beyond the prefix length'],
  ['10.0.0.0/08', 'must not have leading 0s in IP or prefix length'],
])('the range %s too', async (cidr, message) => {
  const policy = { metadata: { name: 'n' }, spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr } }] }] } }
  expect(await send(other, 'POST', '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies', policy)).toContain(message)
})

const hpas = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
const hpa = {
  metadata: { name: 'h' },
  spec: {
    minReplicas: 0,
    maxReplicas: 2,
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
    metrics: [{ type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '1' } } }],
    behavior: { scaleUp: { tolerance: '0.1' } },
  },
}
test('autoscalers to zero, with a tolerance', async () => {
  expect(await send(plain, 'POST', hpas, hpa)).toContain('spec.minReplicas: Invalid value: 0: must be greater than or equal to 1')
  const { spec } = await send(other, 'POST', hpas, hpa)
  expect([spec.minReplicas, spec.behavior.scaleUp.tolerance]).toEqual([0, '100m'])
})

const sets = '/apis/apps/v1/namespaces/default/statefulsets'
const setOf = (rollingUpdate: object) => ({
  metadata: { name: 's' },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } },
  },
})
test('stateful sets with several unavailable', async () => {
  expect((await send(plain, 'POST', sets, setOf({ maxUnavailable: 2 }))).spec.updateStrategy.rollingUpdate).toEqual({ partition: 0 })
  expect(await send(other, 'POST', sets, setOf({ maxUnavailable: 0 }))).toContain(
    'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: intstr.IntOrString{Type:0, IntVal:0, StrVal:""}: cannot be 0',
  )
  expect((await send(other, 'POST', sets, setOf({}))).spec.updateStrategy.rollingUpdate).toEqual({ partition: 0, maxUnavailable: 1 })
})

test('versions that 1.33 does not serve by itself, and none that is turned off', async () => {
  const bundles = '/apis/certificates.k8s.io/v1beta1/clustertrustbundles'
  expect((await plain.raw('GET', bundles)).status).toBe(404)
  expect((await send(other, 'GET', bundles)).items).toEqual([])
  // Enabled, but its feature is off.
  expect((await other.raw('GET', '/apis/storage.k8s.io/v1beta1/volumeattributesclasses')).status).toBe(404)
  expect((await other.raw('GET', '/apis/batch/v1/namespaces/default/cronjobs')).status).toBe(404)
  const { versions } = await send(other, 'GET', '/apis/networking.k8s.io')
  expect(versions.map(({ version }: { version: string }) => version)).toEqual(['v1', 'v1beta1'])
})

test('versions of one resource show the same objects', async () => {
  const cidr = { metadata: { name: 'more' }, spec: { cidrs: ['10.200.0.0/16'] } }
  expect((await send(other, 'POST', '/apis/networking.k8s.io/v1beta1/servicecidrs', cidr)).apiVersion).toBe('networking.k8s.io/v1beta1')
  const [v1, beta] = await Promise.all(
    ['v1', 'v1beta1'].map((version) => send(other, 'GET', `/apis/networking.k8s.io/${version}/servicecidrs/more`)),
  )
  expect([v1.apiVersion, beta.apiVersion, v1.metadata.uid === beta.metadata.uid]).toEqual([
    'networking.k8s.io/v1',
    'networking.k8s.io/v1beta1',
    true,
  ])
})

const claim = {
  metadata: { name: 'c' },
  spec: {
    devices: {
      requests: [
        { name: 'one', deviceClassName: 'gpu' },
        { name: 'any', firstAvailable: [{ name: 'a', deviceClassName: 'x' }] },
      ],
    },
  },
}
test('claims for devices in each of their versions', async () => {
  const at = (version: string) => `/apis/resource.k8s.io/${version}/namespaces/default/resourceclaims`
  await send(other, 'POST', at('v1beta1'), claim)
  const { spec } = await send(other, 'GET', `${at('v1beta2')}/c`)
  expect(spec.devices.requests[0]).toMatchObject({ name: 'one', exactly: { deviceClassName: 'gpu' } })
  const back = await send(other, 'GET', `${at('v1beta1')}/c`)
  expect(back.spec.devices.requests[0]).toMatchObject({ name: 'one', deviceClassName: 'gpu' })
})

test('slices of devices in each of their versions', async () => {
  const at = (version: string) => `/apis/resource.k8s.io/${version}/resourceslices`
  const devices = [{ name: 'd', basic: { attributes: { m: { string: 'x' } }, capacity: { memory: { value: '1Gi' } } } }]
  await send(other, 'POST', at('v1beta1'), {
    metadata: { name: 's' },
    spec: { driver: 'd.io', nodeName: 'n', pool: { name: 'p', resourceSliceCount: 1 }, devices },
  })
  const { spec } = await send(other, 'GET', `${at('v1beta2')}/s`)
  expect(spec.devices).toEqual([{ name: 'd', attributes: { m: { string: 'x' } }, capacity: { memory: { value: '1Gi' } } }])
  expect((await send(other, 'GET', `${at('v1beta1')}/s`)).spec.devices).toEqual(devices)
})

test('everything at once', async () => {
  const all = await startTestServer({
    more: { gates: gatesOf('AllAlpha=true,AllBeta=true'), runtimeConfig: parseRuntimeConfig('api/all=true') },
  })
  try {
    for (const path of ['/apis', '/openapi/v2', '/openapi/v3', '/apis/resource.k8s.io/v1alpha3', '/apis/storagemigration.k8s.io/v1alpha1'])
      expect((await all.raw('GET', path)).status).toBe(200)
    const made = await send(all, 'POST', '/apis/storage.k8s.io/v1beta1/volumeattributesclasses', {
      metadata: { name: 'v' },
      driverName: 'd.io',
    })
    expect(made).toMatchObject({ apiVersion: 'storage.k8s.io/v1beta1', driverName: 'd.io' })
    const { items } = await send(all, 'GET', '/apis/storage.k8s.io/v1alpha1/volumeattributesclasses')
    expect(items).toHaveLength(1)
  } finally {
    await all.close()
  }
})

test('what the server itself needs cannot be turned off', async () => {
  await expect(startTestServer({ more: { runtimeConfig: parseRuntimeConfig('/v1/pods=false') } })).rejects.toThrow(
    'the server itself needs pods: they cannot be turned off',
  )
})
