import { systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { service, slice } from '../../../fixture.ts'
import type { ServiceSpec } from '../../../objects.ts'
import { run, runOrThrow } from '../../../run.ts'
import { canMakeNamespaces, type Lab, openLab } from '../../../testing/lab.ts'
import { compileRoutes } from '../../compile.ts'
import { type Dataplane, nftablesDataplane } from './dataplane.ts'

/** A node (`node`, its pods behind the bridge cni0) and a machine beside the cluster (`far`), all of it in namespaces of this test. */
const A = '10.244.0.11'
const B = '10.244.0.12'
const VIP = '10.96.0.20'
const NODE = '10.200.99.1'
const FAR = '10.200.99.2'

let lab: Lab
let plane: Dataplane

const pod = async (name: string, ip: string) => {
  await lab.namespace(name)
  const inside = `veth-${name}`
  await lab.ip('node', `link add ${inside} type veth peer name eth0 netns ${lab.path(name)}`, `link set ${inside} master cni0 up`)
  await lab.ip('node', `link set ${inside} type bridge_slave hairpin on`)
  await lab.ip(name, `address add ${ip}/24 dev eth0`, 'link set eth0 up', 'route add default via 10.244.0.1')
}

const one = (ip: string) => ({ addresses: [ip], nodeName: 'node' })
const away = { addresses: ['10.244.1.5'], nodeName: 'other' }

/** Makes default/web as given, the only service, and waits until the kernel has it. */
const serve = async (spec: Partial<ServiceSpec>, endpoints: Parameters<typeof slice>[1], port: { protocol?: string } = {}) => {
  const full: ServiceSpec = { clusterIP: VIP, ports: [{ port: 80, ...port }], ...spec }
  const slices = [slice('default/web', endpoints, [{ port: 8080, ...port }])]
  plane.set('default/web', compileRoutes([service('default/web', full)], slices, { nodeName: 'node' }))
  await plane.flush()
}
const tags = (answers: readonly string[]) => [...new Set(answers.map((answer) => answer.split(' ')[0]))].sort()
const listed = async () => runOrThrow(['nft', 'list', 'table', 'ip', 'skiff-test'], { netns: lab.path('node') })

describe.skipIf(!canMakeNamespaces)('in a real kernel', () => {
  beforeAll(async () => {
    lab = openLab()
    await lab.namespace('node')
    await lab.namespace('far')
    await lab.ip('node', 'link add cni0 type bridge', 'address add 10.244.0.1/24 dev cni0', 'link set cni0 up')
    await lab.ip('node', `link add eth0 type veth peer name eth0 netns ${lab.path('far')}`, `address add ${NODE}/24 dev eth0`)
    await lab.ip('node', 'link set eth0 up', 'route add 10.96.0.0/16 dev eth0')
    await lab.ip('far', `address add ${FAR}/24 dev eth0`, 'link set eth0 up', `route add default via ${NODE}`)
    await lab.sysctl('node', { 'net.ipv4.ip_forward': 1, 'net.ipv4.conf.all.route_localnet': 1 })
    await pod('a', A)
    await pod('b', B)
    await Promise.all([lab.serve('a', 'A', [8080]), lab.serve('b', 'B', [8080])])
    plane = nftablesDataplane(
      { name: 'skiff-test', family: 'ip', podRange: '10.244.0.0/16', serviceRange: '10.96.0.0/16', netns: lab.path('node') },
      systemEnv(),
    )
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    plane.set('default/web', [])
    await plane.flush()
  })

  test('a ClusterIP reaches all endpoints, and a pod is seen with its own address', async () => {
    await serve({}, [one(A), one(B)])
    const answers = await lab.ask('a', VIP, 80, { count: 40 })
    expect(tags(answers)).toEqual(['A', 'B'])
    expect(answers).toContain(`B ${A}`)
  })

  test('the node itself and a machine outside reach it too, under the address of the node', async () => {
    await serve({}, [one(B)])
    expect(await lab.ask('node', VIP, 80)).toEqual(['B 10.244.0.1'])
    expect(await lab.ask('far', VIP, 80)).toEqual(['B 10.244.0.1'])
  })

  test('a pod reaches itself through its service (hairpin)', async () => {
    await serve({}, [one(A)])
    expect(await lab.ask('a', VIP, 80, { count: 3 })).toEqual(Array(3).fill('A 10.244.0.1'))
    expect(await lab.ask('a', VIP, 80, { protocol: 'udp' })).toEqual(['ECONNREFUSED'])
    await serve({}, [one(A)], { protocol: 'UDP' })
    expect(await lab.ask('a', VIP, 80, { protocol: 'udp' })).toEqual(['A 10.244.0.1'])
  })

  test('a NodePort answers outside, on the node, on 127.0.0.1 and to pods', async () => {
    await serve({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }, [one(B)])
    expect(await lab.ask('far', NODE, 30_080)).toEqual(['B 10.244.0.1'])
    expect(await lab.ask('node', NODE, 30_080)).toEqual(['B 10.244.0.1'])
    expect(await lab.ask('node', '127.0.0.1', 30_080)).toEqual(['B 10.244.0.1'])
    expect(tags(await lab.ask('a', NODE, 30_080))).toEqual(['B'])
  })

  test('127.0.0.1 of the node stays closed to its neighbours', async () => {
    await lab.serve('node', 'private', [7000], '127.0.0.1')
    await lab.ip('far', 'route add 127.0.0.1/32 via 10.200.99.1 dev eth0 table 99', 'rule add to 127.0.0.1 table 99 pref 0')
    await lab.ip('far', 'rule del pref 0 table local', 'rule add pref 1 table local')
    await lab.sysctl('far', { 'net.ipv4.conf.all.route_localnet': 1 })
    const direct = await lab.ask('far', '127.0.0.1', 7000, { timeoutMs: 300 })
    await lab.ip('far', 'rule del pref 0', 'rule del pref 1', 'rule add pref 0 table local')
    expect(direct).toEqual(['timeout'])
    expect(tags(await lab.ask('node', '127.0.0.1', 7000))).toEqual(['private'])
  })

  test('external addresses; only the admitted sources use a load balancer', async () => {
    await serve({ externalIPs: ['192.0.2.9'] }, [one(B)])
    expect(tags(await lab.ask('far', '192.0.2.9', 80))).toEqual(['B'])
    const spec: ServiceSpec = { type: 'LoadBalancer', clusterIP: VIP, ports: [{ port: 80 }], loadBalancerSourceRanges: [`${FAR}/32`] }
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } }
    const set = async (ranges: string[]) => {
      const balanced = service('default/web', { ...spec, loadBalancerSourceRanges: ranges }, { status })
      plane.set('default/web', compileRoutes([balanced], [slice('default/web', [one(B)])], { nodeName: 'node' }))
      await plane.flush()
    }
    await set([`${FAR}/32`])
    expect(tags(await lab.ask('far', '192.0.2.7', 80))).toEqual(['B'])
    await set(['203.0.113.0/24'])
    expect(await lab.ask('far', '192.0.2.7', 80, { timeoutMs: 300 })).toEqual(['timeout'])
  })

  test('Local keeps the address of the client, and is silent without an endpoint here', async () => {
    const spec: Partial<ServiceSpec> = { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }], externalTrafficPolicy: 'Local' }
    await serve(spec, [one(B), away])
    expect(await lab.ask('far', NODE, 30_080, { count: 5 })).toEqual(Array(5).fill(`B ${FAR}`))
    await serve(spec, [away])
    expect(await lab.ask('far', NODE, 30_080, { timeoutMs: 300 })).toEqual(['timeout'])
    await serve({ internalTrafficPolicy: 'Local' }, [one(B), away])
    expect(await lab.ask('a', VIP, 80, { count: 5 })).toEqual(Array(5).fill(`B ${A}`))
    await serve({ internalTrafficPolicy: 'Local' }, [away])
    expect(await lab.ask('a', VIP, 80, { timeoutMs: 300 })).toEqual(['timeout'])
  })

  test('affinity keeps a client with its endpoint, also while endpoints are added, until that one goes', async () => {
    const sticky: Partial<ServiceSpec> = { sessionAffinity: 'ClientIP' }
    await serve(sticky, [one(B)])
    expect(tags(await lab.ask('a', VIP, 80))).toEqual(['B'])
    await serve(sticky, [one(A), one(B)])
    expect(tags(await lab.ask('a', VIP, 80, { count: 20 }))).toEqual(['B'])
    await serve(sticky, [one(A)])
    expect(tags(await lab.ask('far', VIP, 80, { count: 5 }))).toEqual(['A'])
    await serve(sticky, [one(A), one(B)])
    expect(tags(await lab.ask('far', VIP, 80, { count: 20 }))).toEqual(['A'])
  })

  test('without endpoints a client is refused at once, wherever it asks', async () => {
    await serve({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }, [])
    const asked = [lab.ask('a', VIP, 80), lab.ask('node', VIP, 80), lab.ask('far', NODE, 30_080), lab.ask('node', '127.0.0.1', 30_080)]
    expect((await Promise.all(asked)).flat()).toEqual(Array(4).fill('ECONNREFUSED'))
    await serve({}, [one(B)])
    expect(await lab.ask('a', VIP, 81)).toEqual(['ECONNREFUSED'])
    expect(await lab.ask('a', '10.96.7.7', 80, { timeoutMs: 300 })).toEqual(['timeout'])
  })

  test('an update in place breaks no connection attempt: every one of them is answered', async () => {
    await serve({}, [one(A), one(B)])
    const asking = lab.ask('far', VIP, 80, { count: 400 })
    for (let turn = 0; turn < 20; turn++) await serve({}, turn % 2 === 0 ? [one(A)] : [one(A), one(B)])
    expect(tags(await asking)).toEqual(['A', 'B'])
  })

  test('a UDP client moves to a living endpoint when its own goes', async () => {
    const udp = { protocol: 'UDP' }
    const ask = async () => tags(await lab.ask('far', VIP, 80, { protocol: 'udp', sourcePort: 5555, timeoutMs: 1_000 }))
    await serve({}, [one(A)], udp)
    expect(await ask()).toEqual(['A'])
    await serve({}, [one(B)], udp)
    expect(await ask()).toEqual(['B'])
  })

  test('a second data plane adopts the table as it is, and takes away what nobody asks for any more', async () => {
    await serve({ sessionAffinity: 'ClientIP', type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }, [one(A), one(B)])
    const [first] = tags(await lab.ask('far', VIP, 80))
    const before = await listed()
    const next = nftablesDataplane(
      { name: 'skiff-test', family: 'ip', podRange: '10.244.0.0/16', serviceRange: '10.96.0.0/16', netns: lab.path('node') },
      systemEnv(),
    )
    const spec: ServiceSpec = {
      clusterIP: VIP,
      sessionAffinity: 'ClientIP',
      type: 'NodePort',
      ports: [{ port: 80, nodePort: 30_080 }],
    }
    next.set('default/web', compileRoutes([service('default/web', spec)], [slice('default/web', [one(A), one(B)])], { nodeName: 'node' }))
    await next.flush()
    const steady = (text: string) => text.replace(/ expires \w+/g, '')
    expect(steady(await listed())).toBe(steady(before))
    expect(tags(await lab.ask('far', VIP, 80, { count: 10 }))).toEqual([first])
    next.set('default/web', [])
    await next.flush()
    expect(await listed()).not.toContain('default/web')
    await run(['nft', 'delete', 'table', 'ip', 'skiff-test'], { netns: lab.path('node') })
  })

  test('rules that someone flushed or changed come back', async () => {
    await serve({}, [one(B)])
    const netns = lab.path('node')
    expect(await plane.verify()).toBe(false)
    await runOrThrow(['nft', 'flush', 'ruleset'], { netns })
    expect(await plane.verify()).toBe(true)
    expect(tags(await lab.ask('a', VIP, 80))).toEqual(['B'])
    await runOrThrow(['nft', 'flush', 'chain', 'ip', 'skiff-test', 'svc-default/web/tcp-80'], { netns })
    await runOrThrow(['nft', 'delete', 'element', 'ip', 'skiff-test', 'service-ips', '{ 10.96.0.20 . tcp . 80 }'], { netns })
    await runOrThrow(['nft', 'delete', 'element', 'ip', 'skiff-test', 'cluster-ips', '{ 10.96.0.20 }'], { netns })
    // The next update meets a kernel that it did not expect: it must end in the whole truth, not in an error.
    await serve({}, [])
    await serve({}, [one(A), one(B)])
    expect(tags(await lab.ask('far', VIP, 80, { count: 20 }))).toEqual(['A', 'B'])
  })

  test('removal leaves no table, twice as well', async () => {
    await plane.remove()
    await plane.remove()
    expect(await runOrThrow(['nft', 'list', 'ruleset'], { netns: lab.path('node') })).toBe('')
  })
})
