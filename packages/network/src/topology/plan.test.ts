import { expect, test } from 'vitest'
import { bridgesOf, describeNetwork, linkPrefix, type NetworkOptions } from './network.ts'
import { type Machine, planCut, planMend, planNodeRemoval, planRemoval, planTopology, type Step } from './plan.ts'
import { chooseRanges } from './ranges.ts'

const nodes = (...names: string[]) => new Map(names.map((name, at) => [at + 1, name]))
const options: NetworkOptions = { cluster: 'dev', ranges: chooseRanges([]), nodes: nodes('dev', 'dev-2', 'dev-3') }
const empty: Machine = { links: new Set(), namespaces: new Map(), tables: new Set() }

/** Steps as a shell would show them. */
const shown = (steps: readonly Step[]): string =>
  steps
    .map((step) => {
      const at = 'netns' in step && step.netns ? ` in ${step.netns}` : ''
      if (step.do === 'namespace' || step.do === 'drop-namespace') return `${step.do} ${step.path}`
      if (step.do === 'ip') return `ip${at}\n${step.lines.map((line) => `  ${line}`).join('\n')}`
      if (step.do === 'sysctl')
        return `sysctl${at}\n${[...step.settings, ...(step.optional ?? []).map((one) => `${one} ?`)].map((one) => `  ${one}`).join('\n')}`
      return step.do === 'nft' ? `nft\n${step.text.trim().replaceAll(/^/gm, '  ')}` : step.argv.join(' ')
    })
    .join('\n')
    .concat('\n')

test('three nodes on an empty machine', async () => {
  await expect(shown(planTopology(describeNetwork(options), empty))).toMatchFileSnapshot('goldens/three-nodes.txt')
})

test('a fourth node joins: the others are told, nothing is made twice', async () => {
  const machine: Machine = {
    ...empty,
    links: new Set(['lo', 'skiff-dev', 'sk-dev-2', 'sk-dev-3']),
    namespaces: new Map([
      ['/run/netns/skiff.dev.dev-2', true],
      ['/run/netns/skiff.dev.dev-3', true],
      ['/run/netns/skiff.dev.dev-4', false],
    ]),
  }
  const steps = planTopology(describeNetwork({ ...options, nodes: nodes('dev', 'dev-2', 'dev-3', 'dev-4') }), machine)
  expect(steps.filter((step) => step.do === 'namespace')).toEqual([{ do: 'namespace', path: '/run/netns/skiff.dev.dev-4' }])
  const lines = steps.flatMap((step) => (step.do === 'ip' ? step.lines : []))
  expect(lines.filter((line) => line.startsWith('link add'))).toEqual([
    'link add sk-dev-4 type veth peer name eth0 netns /run/netns/skiff.dev.dev-4',
  ])
  expect(lines.filter((line) => line === 'route replace 10.244.3.0/24 via 10.200.0.4 dev eth0')).toHaveLength(2)
})

test('where forwarding is dropped, our bridges are let through, once', () => {
  const commands = (droppingForward: string[]) =>
    planTopology(describeNetwork(options), { ...empty, droppingForward }).flatMap((step) =>
      step.do === 'run' ? [step.argv.join(' ')] : [],
    )
  expect(commands(['-P FORWARD DROP', '-A FORWARD -i skiff-dev -j ACCEPT'])).toEqual([
    'iptables -I FORWARD -o skiff-dev -j ACCEPT',
    'iptables -I FORWARD -i skiff-dev-p -j ACCEPT',
    'iptables -I FORWARD -o skiff-dev-p -j ACCEPT',
  ])
})

test('removal finds all of a cluster by its name, and nothing of another', async () => {
  const machine: Machine = {
    links: new Set(['lo', 'eth0', 'skiff-dev', 'skiff-dev-p', 'sk-dev-2', 'skiff-dev2', 'sk-dev2-2']),
    namespaces: new Map([
      ['/run/netns/skiff.dev.dev-2', true],
      ['/run/netns/skiff.dev-b.dev-2', true],
      ['/run/netns/cni-1', true],
    ]),
    tables: new Set(['skiff-dev', 'skiff-dev-edge', 'skiff-dev2', 'filter']),
    droppingForward: ['-A FORWARD -i skiff-dev -j ACCEPT', '-A FORWARD -i skiff-dev2 -j ACCEPT'],
  }
  await expect(shown(planRemoval('dev', machine))).toMatchFileSnapshot('goldens/removal.txt')
  expect(planRemoval('dev', empty)).toEqual([])
})

test('cutting and mending: a cable, or rules for the host', async () => {
  const network = describeNetwork(options)
  const [host, second] = network.nodes
  if (host === undefined || second === undefined) throw new Error('no nodes')
  const all = [planCut(network, second), planMend(network, second), planCut(network, host), planMend(network, host)]
  await expect(all.map(shown).join('---\n')).toMatchFileSnapshot('goldens/cut.txt')
  expect(planNodeRemoval(host, network, empty)).toEqual([])
})

test('long names of clusters fit into interface names, and stay apart', () => {
  const names = ['continuous-integration-run-1', 'continuous-integration-run-2', 'default', 'a_b'].map((cluster) => bridgesOf(cluster)[1])
  for (const name of names) expect(name.length).toBeLessThanOrEqual(15)
  expect(new Set(names).size).toBe(4)
  expect(`${linkPrefix('continuous-integration-run-1')}254`.length).toBeLessThanOrEqual(15)
  expect(() => describeNetwork({ ...options, nodes: new Map([[255, 'x']]) })).toThrow('no place')
})
