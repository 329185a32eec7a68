import { expect, test } from 'vitest'
import { planPortmapRemoval } from './portmap-traces.ts'

const builtin = '-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n-P POSTROUTING ACCEPT\n'
const chains = '-N CNI-HOSTPORT-DNAT\n-N CNI-HOSTPORT-MASQ\n-N CNI-HOSTPORT-SETMARK\n'
const jumps = `-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
`
const marks = '-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE\n'
const pod = (network: string, chain: string) =>
  `-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"${network}\\" id: \\"x\\"" -m multiport --dports 80 -j ${chain}\n`

test('nothing is done where portmap never was', () => {
  expect(planPortmapRemoval(builtin, 'mine')).toEqual({ steps: [], emptied: true })
  expect(planPortmapRemoval(`${builtin}-N DOCKER\n`, 'mine')).toEqual({ steps: [], emptied: false })
})

test('the shared chains go with their last user, and then the table is empty', () => {
  expect(planPortmapRemoval(builtin + chains + jumps + marks, 'mine')).toEqual({
    steps: [
      ['--delete', 'PREROUTING', '1'],
      ['--delete', 'OUTPUT', '1'],
      ['--delete', 'POSTROUTING', '1'],
      ['--flush', 'CNI-HOSTPORT-DNAT'],
      ['--flush', 'CNI-HOSTPORT-SETMARK'],
      ['--flush', 'CNI-HOSTPORT-MASQ'],
      ['--delete-chain', 'CNI-HOSTPORT-DNAT'],
      ['--delete-chain', 'CNI-HOSTPORT-SETMARK'],
      ['--delete-chain', 'CNI-HOSTPORT-MASQ'],
    ],
    emptied: true,
  })
})

test('pods of another network keep the shared chains; ours go from the end', () => {
  const listing = `${builtin}${chains}-N CNI-DN-1\n-N CNI-DN-2\n-N CNI-DN-3\n${jumps}${pod('mine', 'CNI-DN-1')}${pod('mine-too', 'CNI-DN-2')}${pod('mine', 'CNI-DN-3')}`
  expect(planPortmapRemoval(listing, 'mine')).toEqual({
    steps: [
      ['--delete', 'CNI-HOSTPORT-DNAT', '3'],
      ['--delete', 'CNI-HOSTPORT-DNAT', '1'],
      ['--flush', 'CNI-DN-3'],
      ['--flush', 'CNI-DN-1'],
      ['--delete-chain', 'CNI-DN-3'],
      ['--delete-chain', 'CNI-DN-1'],
    ],
    emptied: false,
  })
})

test('rules of others keep the table and their place', () => {
  const others = '-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1\n'
  const { steps, emptied } = planPortmapRemoval(`${builtin}${chains}${others}${jumps}`, 'mine')
  expect(steps[0]).toEqual(['--delete', 'PREROUTING', '2'])
  expect(emptied).toBe(false)
})
