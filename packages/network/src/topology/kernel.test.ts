import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { service, slice } from '../fixture.ts'
import { compileRoutes } from '../proxy/compile.ts'
import { nftablesDataplane } from '../proxy/dataplanes/nftables/dataplane.ts'
import { run, runOrThrow } from '../run.ts'
import { canMakeNamespaces, type Lab, openLab } from '../testing/lab.ts'
import { applySteps, type MachineOptions, observeMachine, takenRanges } from './machine.ts'
import { type ClusterNetwork, describeNetwork, type NodeNetwork, serviceTable } from './network.ts'
import { planCut, planMend, planNodeRemoval, planRemoval, planTopology } from './plan.ts'
import { chooseRanges } from './ranges.ts'

/** A namespace plays the host; beyond its default route lies `lan`. Nothing of this machine's own network is touched. */
let lab: Lab
let machine: MachineOptions
let network: ClusterNetwork
let other: ClusterNetwork

const node = (number: number, of = network): NodeNetwork => {
  const found = of.nodes.find((one) => one.number === number)
  if (found === undefined) throw new Error(`no node ${number}`)
  return found
}

const build = async (cluster: string, count: number): Promise<ClusterNetwork> => {
  const ranges = chooseRanges(await takenRanges(cluster, machine))
  const nodes = new Map(Array.from({ length: count }, (_, at) => [at + 1, `node-${at + 1}`]))
  const made = describeNetwork({ cluster, ranges, nodes, netnsDir: machine.netnsDir })
  await applySteps(planTopology(made, await observeMachine(machine)), machine)
  return made
}

/** What the CNI plugins do: a bridge with the first address of the node's range, and a pod on it. Returns the pod's address. */
const pod = async (name: string, at: NodeNetwork): Promise<string> => {
  const base = at.podRange.replace(/\.0\/24$/, '')
  const host = at.netns ?? lab.path('host')
  const ip = (...lines: string[]) => runOrThrow(['ip', '-batch', '-'], { netns: host, input: `${lines.join('\n')}\n` })
  const known = await runOrThrow(['ip', '-o', 'link', 'show'], { netns: host })
  if (!known.includes(` ${at.podBridge}:`)) {
    await ip(`link add ${at.podBridge} type bridge`, `address add ${base}.1/24 dev ${at.podBridge}`, `link set ${at.podBridge} up`)
  }
  await lab.namespace(name)
  await ip(`link add p-${name} type veth peer name eth0 netns ${lab.path(name)}`, `link set p-${name} master ${at.podBridge} up`)
  await lab.ip(name, `address add ${base}.7/24 dev eth0`, 'link set eth0 up', `route add default via ${base}.1`)
  await lab.serve(name, name, [80])
  return `${base}.7`
}

const links = async () =>
  (await runOrThrow(['ip', '-o', 'link', 'show'], { netns: lab.path('host') })).split('\n').map((line) => line.split(' ')[1])
const fail = { timeoutMs: 400 }

describe.skipIf(!canMakeNamespaces)('nodes of one machine', () => {
  let pods: string[]
  let before: (string | undefined)[]

  beforeAll(async () => {
    lab = openLab()
    await lab.namespace('host')
    await lab.namespace('lan')
    await lab.ip(
      'host',
      `link add eth0 type veth peer name eth0 netns ${lab.path('lan')}`,
      'address add 203.0.113.1/24 dev eth0',
      'link set eth0 up',
    )
    await lab.ip('host', 'route add default via 203.0.113.2')
    await lab.ip('lan', 'address add 203.0.113.2/24 dev eth0', 'link set eth0 up')
    await lab.serve('lan', 'lan', [80])
    await lab.serve('host', 'host', [80])
    machine = { netns: lab.path('host'), netnsDir: dirname(lab.path('x')) }
    before = await links()
    network = await build('t', 3)
    pods = [await pod('one', node(1)), await pod('two', node(2)), await pod('three', node(3))]
  })
  afterAll(async () => {
    for (const cluster of ['t', 'u', 'v']) await applySteps(planRemoval(cluster, await observeMachine(machine)), machine).catch(() => {})
    await lab?.close()
  })

  test('pods of all nodes reach each other under their own addresses, and every node', async () => {
    for (const [from, name] of ['one', 'two', 'three'].entries())
      for (const [to, tag] of ['one', 'two', 'three'].entries())
        expect(await lab.ask(name, pods[to] ?? '', 80)).toEqual([`${tag} ${from === to ? pods[to] : pods[from]}`])
    expect(await lab.ask('two', node(1).address, 80)).toEqual([`host ${pods[1]}`])
    expect(await lab.ask('host', pods[2] ?? '', 80)).toEqual([`three ${node(1).address}`])
  })

  test('outside they carry the address of the host; what is for nobody never leaves', async () => {
    await runOrThrow(['nft', '-f', '-'], {
      netns: lab.path('lan'),
      input:
        'add table ip seen\nadd chain ip seen in { type filter hook prerouting priority 0; }\nadd rule ip seen in ip daddr 10.0.0.0/8 counter\n',
    })
    expect(await lab.ask('one', '203.0.113.2', 80)).toEqual(['lan 203.0.113.1'])
    expect(await lab.ask('three', '203.0.113.2', 80)).toEqual(['lan 203.0.113.1'])
    const nobody = ['10.244.77.7', '10.96.3.3']
    const answers = await Promise.all(nobody.flatMap((address) => ['one', 'two', 'host'].map((name) => lab.ask(name, address, 80, fail))))
    for (const [answer] of answers) expect(answer).toMatch(/^(timeout|EHOSTUNREACH)$/)
    expect(await runOrThrow(['nft', 'list', 'table', 'ip', 'seen'], { netns: lab.path('lan') })).toContain('counter packets 0 bytes 0')
  })

  test('a service of one node has its endpoints on others', async () => {
    const at = node(2)
    const options = { name: serviceTable('t'), family: 'ip' as const, podRange: network.ranges.pods, serviceRange: network.ranges.services }
    const plane = nftablesDataplane({ ...options, netns: at.netns }, systemEnv())
    const slices = [slice('default/web', [pods[0] ?? '', pods[2] ?? ''], [{ port: 80 }])]
    const web = service('default/web', { clusterIP: '10.96.0.20', type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] })
    plane.set('default/web', compileRoutes([web], slices, { nodeName: at.name }))
    await plane.flush()
    const answers = await lab.ask('two', '10.96.0.20', 80, { count: 30 })
    expect([...new Set(answers)].sort()).toEqual([`one ${pods[1]}`, `three ${pods[1]}`])
    expect((await lab.ask('lan', '203.0.113.1', 30_080, fail))[0]).toBe('ECONNREFUSED')
    expect((await lab.ask('host', at.address, 30_080))[0]).toMatch(/^(one|three) /)
    await plane.remove()
  })

  test('a cut node is alone until it is mended; planning anew leaves it cut', async () => {
    await applySteps(planCut(network, node(2)), machine)
    await applySteps(planTopology(network, await observeMachine(machine)), machine)
    expect(await lab.ask('one', pods[1] ?? '', 80, fail)).toEqual(['timeout'])
    expect(await lab.ask('one', pods[2] ?? '', 80)).toEqual([`three ${pods[0]}`])
    await applySteps(planMend(network, node(2)), machine)
    expect(await lab.ask('one', pods[1] ?? '', 80)).toEqual([`two ${pods[0]}`])
  })

  test('the host, as node 1, can be cut from the others, who still reach each other', async () => {
    await applySteps(planCut(network, node(1)), machine)
    expect(await lab.ask('two', pods[0] ?? '', 80, fail)).toEqual(['timeout'])
    expect(await lab.ask('one', pods[1] ?? '', 80, fail)).toEqual(['timeout'])
    expect(await lab.ask('two', node(1).address, 80, fail)).toEqual(['timeout'])
    expect(await lab.ask('two', pods[2] ?? '', 80)).toEqual([`three ${pods[1]}`])
    await applySteps(planMend(network, node(1)), machine)
    expect(await lab.ask('two', pods[0] ?? '', 80)).toEqual([`one ${pods[1]}`])
  })

  test('a second cluster takes other ranges; neither reaches into the other, both reach outside', async () => {
    other = await build('u', 2)
    expect(other.ranges).toEqual({ pods: '10.245.0.0/16', services: '10.97.0.0/16', links: '10.200.1.0/24' })
    const [near, far] = [await pod('uone', node(1, other)), await pod('utwo', node(2, other))]
    expect(await lab.ask('uone', far, 80)).toEqual([`utwo ${near}`])
    const tries = [
      ['uone', pods[0]],
      ['utwo', pods[1]],
      ['one', near],
      ['two', far],
      ['utwo', node(1).address],
    ] as const
    for (const [from, to] of tries) expect([from, await lab.ask(from, to ?? '', 80, fail)]).toEqual([from, ['timeout']])
    expect(await lab.ask('utwo', '203.0.113.2', 80)).toEqual(['lan 203.0.113.1'])
    expect(await lab.ask('utwo', '203.0.113.1', 80)).toEqual([`host ${far}`])
  })

  test('one node alone: its bridge links nothing, and still carries the routes that services need', async () => {
    const alone = await build('v', 1)
    const ip = await pod('vone', node(1, alone))
    const netns = lab.path('host')
    const plane = nftablesDataplane(
      { name: serviceTable('v'), family: 'ip', podRange: alone.ranges.pods, serviceRange: alone.ranges.services, netns },
      systemEnv(),
    )
    const clusterIP = alone.apiAddress
    const spec = { clusterIP, type: 'NodePort', ports: [{ port: 80, nodePort: 30_090 }] }
    plane.set(
      'default/web',
      compileRoutes([service('default/web', spec)], [slice('default/web', [ip], [{ port: 80 }])], { nodeName: 'node-1' }),
    )
    await plane.flush()
    const seen = `vone ${alone.nodes[0]?.podRange.replace('.0/24', '.1')}`
    for (const [address, port] of [
      [clusterIP, 80],
      ['127.0.0.1', 30_090],
      [node(1, alone).address, 30_090],
    ] as const)
      expect([address, ...(await lab.ask('host', address, port))]).toEqual([address, seen])
    expect(await lab.ask('lan', '203.0.113.1', 30_090)).toEqual([seen])
    expect(await lab.ask('uone', '203.0.113.1', 30_090)).toEqual([seen])
    expect(await lab.ask('uone', clusterIP, 80, fail)).toEqual(['timeout'])
    await applySteps(planRemoval('v', await observeMachine(machine)), machine)
    expect((await observeMachine(machine)).tables.has(serviceTable('v'))).toBe(false)
  })

  test('under a firewall that forwards nothing (Docker, ufw) the cluster still works', async () => {
    const netns = lab.path('host')
    await runOrThrow(['iptables', '-P', 'FORWARD', 'DROP'], { netns })
    expect(await lab.ask('one', '203.0.113.2', 80, fail)).toEqual(['timeout'])
    await applySteps(planTopology(network, await observeMachine(machine)), machine)
    await applySteps(planTopology(network, await observeMachine(machine)), machine)
    expect(await lab.ask('one', '203.0.113.2', 80)).toEqual(['lan 203.0.113.1'])
    expect((await runOrThrow(['iptables', '-S', 'FORWARD'], { netns })).match(/-i skiff-t /g)).toHaveLength(1)
    await applySteps(planRemoval('u', await observeMachine(machine)), machine)
  })

  test('one node goes; then everything, also twice: nothing is left', async () => {
    await applySteps(planNodeRemoval(node(3), network, await observeMachine(machine)), machine)
    expect(await lab.ask('one', pods[1] ?? '', 80)).toEqual([`two ${pods[0]}`])
    expect(readdirSync(machine.netnsDir ?? '').filter((name) => name.includes('node-3'))).toEqual([])
    for (let time = 0; time < 2; time++) await applySteps(planRemoval('t', await observeMachine(machine)), machine)
    expect(readdirSync(machine.netnsDir ?? '').filter((name) => name.startsWith('skiff.'))).toEqual([])
    expect((await links()).filter((name) => name?.startsWith('sk'))).toEqual([])
    expect((await links()).filter((name) => !name?.startsWith('p-'))).toEqual(before)
    const netns = lab.path('host')
    expect((await run(['iptables', '-S', 'FORWARD'], { netns })).stdout.trim()).toBe('-P FORWARD DROP')
    expect((await observeMachine(machine)).tables).toEqual(new Set(['filter']))
    expect(await runOrThrow(['ip', 'route', 'show'], { netns })).not.toMatch(/10\./)
  })
})
