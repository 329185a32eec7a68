import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, startTestServer, type TestServer } from '../testing/start.ts'

// Facts of Kubernetes 1.33; those that are as old as 1.20 were seen there too.

const services = '/api/v1/namespaces/default/services'
const addresses = '/apis/networking.k8s.io/v1/ipaddresses'
const cidrs = '/apis/networking.k8s.io/v1/servicecidrs'
const ports = [{ port: 80 }]
let serial = 0
const named = (spec: object, name = `s${++serial}`) => ({ metadata: { name }, spec: { ports, ...spec } })
const caller =
  (server: () => TestServer) =>
  (method: string, path: string, body?: object): Promise<Answer> =>
    server().raw(method, path, body && JSON.stringify(body), method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {})
const said = ({ status, body }: Answer): string => `${status} ${body.message?.replace(/^Service "[^"]*" is invalid: /, '') ?? ''}`.trim()

describe('one family', () => {
  let server: TestServer
  const send = caller(() => server)
  const make = (spec: object, query = '') => send('POST', services + query, named(spec))
  const held = async () =>
    ((await send('GET', addresses)).body.items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)
  beforeAll(async () => {
    server = await startTestServer({ more: { serviceCidr: '10.96.0.0/24' } })
  })
  afterAll(() => server.close())

  test('an address in use is an IPAddress, from the upper part of the range', async () => {
    const { body } = await make({})
    const { name } = body.metadata
    const address = body.spec.clusterIP
    expect(Number(address.split('.')[3])).toBeGreaterThan(16)
    expect(body.spec).toMatchObject({ clusterIPs: [address], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
    expect((await send('GET', `${addresses}/${address}`)).body).toMatchObject({
      metadata: {
        name: address,
        labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' },
        managedFields: [{ manager: 'kube-apiserver' }],
      },
      spec: { parentRef: { resource: 'services', namespace: 'default', name } },
    })
    await send('DELETE', `${services}/${name}`)
    expect(await held()).not.toContain(address)
  })

  test('a named address is taken once, and not outside of the range', async () => {
    const at = (ip: string) => `spec.clusterIPs: Invalid value: []string{"${ip}"}: failed to allocate IP ${ip}: `
    expect((await make({ clusterIP: '10.96.0.5' })).status).toBe(201)
    expect(said(await make({ clusterIP: '10.96.0.5' }))).toBe(`422 ${at('10.96.0.5')}provided IP is already allocated`)
    const mismatch = 'the provided network does not match the current range'
    for (const outside of ['10.96.1.1', '10.96.0.0', '10.96.0.255'])
      expect(said(await make({ clusterIP: outside }))).toBe(`422 ${at(outside)}${mismatch}`)
  })

  test('a dry run takes nothing and shows the address of the network', async () => {
    const before = await held()
    const { body } = await make(
      {
        type: 'NodePort',
        ports: [
          { port: 1, name: 'a' },
          { port: 2, name: 'b' },
        ],
      },
      '?dryRun=All',
    )
    expect(body.spec).toMatchObject({ clusterIP: '10.96.0.0', ports: [{ nodePort: 32768 }, { nodePort: 32769 }] })
    expect(said(await make({ clusterIP: '10.1.1.1' }, '?dryRun=All'))).toContain(
      'failed to allocate IP 10.1.1.1: the provided IP (10.1.1.1) is not in the valid range. The range of valid IPs is 10.96.0.0/24',
    )
    expect(await held()).toEqual(before)
  })

  test('what a refused create took goes back', async () => {
    const taken = { type: 'NodePort', clusterIP: '10.96.0.7', ports: [{ port: 80, nodePort: 30010 }] }
    expect(said(await make({ ...taken, sessionAffinity: 'x' }))).toMatch(/^422 spec.sessionAffinity: Unsupported value/)
    const quota = { metadata: { name: 'none' }, spec: { hard: { 'services.nodeports': '0' } } }
    await send('POST', '/api/v1/namespaces/default/resourcequotas', quota)
    await send('PATCH', '/api/v1/namespaces/default/resourcequotas/none/status', {
      status: { hard: quota.spec.hard, used: { 'services.nodeports': '0' } },
    })
    expect(said(await make(taken))).toMatch(/^403 .*exceeded quota/)
    await send('DELETE', '/api/v1/namespaces/default/resourcequotas/none')
    const made = await make(taken)
    expect(made.status).toBe(201)
    await send('DELETE', `${services}/${made.body.metadata.name}`)
  })

  test('two families are refused', async () => {
    const policy = 'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services'
    expect(said(await make({ ipFamilyPolicy: 'RequireDualStack' }))).toBe(`422 ${policy}`)
    expect(said(await make({ ipFamilies: ['IPv6'] }))).toBe('422 spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster')
    expect(said(await make({ clusterIP: 'fd00::1' }))).toBe(
      '422 spec.clusterIPs[0]: Invalid value: []string{"fd00::1"}: IPv6 is not configured on this cluster',
    )
    const { spec } = (await make({ ipFamilyPolicy: 'PreferDualStack' })).body
    expect(spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack' })
  })

  test('node ports: range, sharing and doubles', async () => {
    const nodePorts = async (...list: [number, string, number][]) => {
      const answer = await make({
        type: 'NodePort',
        ports: list.map(([port, protocol, nodePort], index) => ({ name: `p${index}`, port, protocol, ...(nodePort && { nodePort }) })),
      })
      if (answer.status === 201) await send('DELETE', `${services}/${answer.body.metadata.name}`)
      return answer.status === 201 ? answer.body.spec.ports.map((port: { nodePort: number }) => port.nodePort) : said(answer)
    }
    expect(await nodePorts([80, 'TCP', 80])).toBe(
      '422 spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    )
    expect(await nodePorts([80, 'TCP', 30005], [80, 'UDP', 30005])).toEqual([30005, 30005])
    expect(await nodePorts([80, 'TCP', 0], [80, 'UDP', 30006])).toEqual([30006, 30006])
    expect(await nodePorts([80, 'TCP', 30005], [80, 'UDP', 30006])).toEqual([30005, 30006])
    const double = '422 spec.ports[1].nodePort: Invalid value: 30005: provided port is already allocated'
    expect(await nodePorts([80, 'TCP', 30005], [81, 'TCP', 30005])).toBe(double)
    expect(await nodePorts([80, 'TCP', 30005], [81, 'UDP', 30005])).toBe(double)
    const [one, other] = (await nodePorts([80, 'TCP', 0], [81, 'TCP', 0])) as number[]
    expect(one).not.toBe(other)
    // The lower 86 ports stay for who names one.
    expect(Math.min(one as number, other as number)).toBeGreaterThanOrEqual(30086)
  })

  test('an update keeps node ports by name, and a change of type gives them back', async () => {
    const list = [
      { port: 80, name: 'a', nodePort: 30021 },
      { port: 81, name: 'b', nodePort: 30022 },
    ]
    const { metadata } = (await make({ type: 'NodePort', ports: list })).body
    const path = `${services}/${metadata.name}`
    const swapped = [
      { port: 81, name: 'a' },
      { port: 80, name: 'b' },
    ]
    const kept = await send('PUT', path, { metadata: { name: metadata.name }, spec: { type: 'NodePort', ports: swapped } })
    expect(kept.body.spec.ports).toMatchObject([{ nodePort: 30021 }, { nodePort: 30022 }])
    const double = [
      { port: 80, name: 'a', nodePort: 30023 },
      { port: 81, name: 'b', nodePort: 30023 },
    ]
    expect(said(await send('PATCH', path, { spec: { ports: double } }))).toBe('500 duplicate nodePort: {TCP 30023}')
    await send('PATCH', path, { spec: { type: 'ClusterIP' } })
    const again = await make({ type: 'NodePort', ports: [list[0], { ...list[1], nodePort: 30023 }] })
    expect(again.body.spec.ports).toMatchObject([{ nodePort: 30021 }, { nodePort: 30023 }])
  })

  test('a load balancer: health check port, no node ports on demand, status goes with the type', async () => {
    const { body } = await make({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', allocateLoadBalancerNodePorts: false })
    const path = `${services}/${body.metadata.name}`
    expect(body.spec.ports[0].nodePort).toBeUndefined()
    const port = body.spec.healthCheckNodePort
    expect(port).toBeGreaterThan(30000)
    expect(said(await make({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: port }))).toBe(
      `500 Internal error occurred: failed to allocate requested HealthCheck NodePort ${port}: provided port is already allocated`,
    )
    await send('PATCH', `${path}/status`, { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } })
    const { spec, status } = (await send('PATCH', path, { spec: { type: 'ClusterIP' } })).body
    expect(status).toEqual({ loadBalancer: {} })
    for (const field of ['healthCheckNodePort', 'externalTrafficPolicy', 'allocateLoadBalancerNodePorts'])
      expect(spec).not.toHaveProperty(field)
    expect((await make({ type: 'NodePort', ports: [{ port: 80, nodePort: port }] })).status).toBe(201)
  })

  test('ExternalName has no address, and gets one when it becomes something else', async () => {
    const { metadata, spec } = (await make({})).body
    const path = `${services}/${metadata.name}`
    const external = (await send('PATCH', path, { spec: { type: 'ExternalName', externalName: 'a.b' } })).body
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) expect(external.spec).not.toHaveProperty(field)
    expect(await held()).not.toContain(spec.clusterIP)
    const back = (await send('PATCH', path, { spec: { type: 'ClusterIP', clusterIP: '10.96.0.9' } })).body
    expect(back.spec).toMatchObject({ clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv4'] })
    expect(await held()).toContain('10.96.0.9')
  })
})

describe('two families', () => {
  let server: TestServer
  const send = caller(() => server)
  const make = (spec: object) => send('POST', services, named(spec))
  beforeAll(async () => {
    server = await startTestServer({ more: { serviceCidr: '10.96.0.0/16,fd00:10:96::/112' } })
  })
  afterAll(() => server.close())

  test('the ServiceCIDR names both, and says that it is ready', async () => {
    expect((await send('GET', `${cidrs}/kubernetes`)).body).toMatchObject({
      spec: { cidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] },
      status: { conditions: [{ type: 'Ready', status: 'True', reason: '', message: 'Kubernetes default Service CIDR is ready' }] },
    })
  })

  test.each([
    [{}, ['IPv4'], 'SingleStack'],
    [{ ipFamilyPolicy: 'PreferDualStack' }, ['IPv4', 'IPv6'], 'PreferDualStack'],
    [{ ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, ['IPv6', 'IPv4'], 'RequireDualStack'],
    [{ clusterIP: 'fd00:10:96::aa' }, ['IPv6'], 'SingleStack'],
    [{ clusterIP: 'None' }, ['IPv4', 'IPv6'], 'RequireDualStack'],
    [{ clusterIP: 'None', selector: { a: 'b' } }, ['IPv4'], 'SingleStack'],
    [{ clusterIP: 'None', ipFamilyPolicy: 'SingleStack' }, ['IPv4'], 'SingleStack'],
  ])('%j', async (spec, ipFamilies, ipFamilyPolicy) => {
    const { body } = await make(spec)
    expect(body.spec).toMatchObject({ ipFamilies, ipFamilyPolicy })
    if (body.spec.clusterIP === 'None') return
    expect(body.spec.clusterIPs.map((address: string) => (address.includes(':') ? 'IPv6' : 'IPv4'))).toEqual(ipFamilies)
  })

  test.each([
    [
      { ipFamilies: ['IPv4', 'IPv6'] },
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
    ],
    [{ ipFamilies: ['x'] }, 'spec.ipFamilies[0]: Unsupported value: "x": supported values: "IPv4", "IPv6"'],
    [
      { ipFamilies: ['IPv6'], clusterIP: '10.96.3.3' },
      'spec.clusterIPs[0]: Invalid value: "10.96.3.3": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ],
    [
      { ipFamilyPolicy: 'PreferDualStack', clusterIP: '10.1.1.1' },
      'spec.clusterIPs: Invalid value: []string{"10.1.1.1", ""}: failed to allocate IP 10.1.1.1: the provided network does not match the current range',
    ],
  ])('%j is refused', async (spec, text) => {
    expect(said(await make(spec))).toBe(`422 ${text}`)
  })

  test('from one family to two and back', async () => {
    const { metadata, spec } = (await make({})).body
    const path = `${services}/${metadata.name}`
    const both = (await send('PATCH', path, { spec: { ipFamilyPolicy: 'PreferDualStack' } })).body.spec
    expect(both.clusterIPs).toEqual([spec.clusterIP, expect.stringMatching(/^fd00:10:96::/)])
    expect(both.ipFamilies).toEqual(['IPv4', 'IPv6'])
    const reduced = { ipFamilies: ['IPv4'], clusterIPs: [spec.clusterIP] }
    expect(said(await send('PATCH', path, { spec: reduced }))).toBe(
      '422 [spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be \'SingleStack\' to release the secondary cluster IP, spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be \'SingleStack\' to release the secondary IP family]',
    )
    const one = (await send('PATCH', path, { spec: { ipFamilyPolicy: 'SingleStack' } })).body.spec
    expect(one).toMatchObject({ clusterIPs: [spec.clusterIP], ipFamilies: ['IPv4'] })
    expect((await send('GET', `${addresses}/${both.clusterIPs[1]}`)).status).toBe(404)
    expect(said(await send('PATCH', path, { spec: { clusterIP: '10.96.9.9' } }))).toMatch(
      /^422 spec.clusterIPs\[0\]: Invalid value: \[\]string\{"10.96.9.9"\}: may not change once set/,
    )
  })
})

test('a full range says so, and a further ServiceCIDR helps', async () => {
  const server = await startTestServer({ more: { serviceCidr: '10.96.0.0/29' } })
  const send = caller(() => server)
  try {
    for (let made = 0; made < 6; made++) expect((await send('POST', services, named({}))).status).toBe(201)
    expect(said(await send('POST', services, named({})))).toBe('500 Internal error occurred: failed to allocate a serviceIP: range is full')
    await send('POST', cidrs, { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/28'] } })
    expect((await send('POST', services, named({}))).body.spec.clusterIP).toMatch(/^10\.97\.0\./)
    // One that goes away, or is not ready, gives no more.
    await send('PATCH', `${cidrs}/more/status`, {
      status: { conditions: [{ type: 'Ready', status: 'False', reason: 'x', message: '', lastTransitionTime: '2025-01-01T00:00:00Z' }] },
    })
    expect((await send('POST', services, named({}))).status).toBe(500)
  } finally {
    await server.close()
  }
})
