import { describe, expect, test } from 'vitest'
import { cniConflist } from './cni-config.ts'
import { containerdConfig } from './containerd-config.ts'
import { placesOf } from './places.ts'
import { hostsToml } from './registry-hosts.ts'

const places = placesOf('/data/containerd', '/run/skiff/one')

test('everything that containerd writes lies in its own directories', () => {
  const text = containerdConfig(places, { snapshotter: 'overlayfs', cniBinDir: '/usr/lib/cni', sandboxImage: 'a/b:1', oomScore: 0 })
  expect(text).toContain('root = "/data/containerd"')
  expect(text).toContain('state = "/run/skiff/one"')
  expect(text).toContain('address = "/run/skiff/one/containerd.sock"')
  expect(text).toContain('Root = "/run/skiff/one/runc"')
  expect(text).toContain('conf_dir = "/run/skiff/one/cni/net.d"')
  expect(text).toContain('netns_mounts_under_state_dir = true')
  expect(text).toContain('sandbox_image = "a/b:1"')
  expect(text).not.toMatch(/\/(etc|var)\//)
})

test('a state directory whose socket would not fit is refused with what to do', () => {
  expect(() => placesOf('/data', `/run/${'x'.repeat(100)}`)).toThrow('choose a shorter one')
})

describe('the pod network', () => {
  const network = { name: 'skiff-one', bridge: 'skiff0', subnets: ['10.42.0.0/24'] }
  const plugins = (text: string) => (JSON.parse(text) as { plugins: { type: string; [key: string]: unknown }[] }).plugins

  test('has a bridge with leases of the node and a default route', () => {
    const [bridge, portmap] = plugins(cniConflist({ ...network, mtu: 1450 }, '/run/x/networks'))
    expect(bridge).toMatchObject({ type: 'bridge', bridge: 'skiff0', mtu: 1450, ipMasq: false, hairpinMode: true })
    expect(bridge?.ipam).toEqual({
      type: 'host-local',
      ranges: [[{ subnet: '10.42.0.0/24' }]],
      routes: [{ dst: '0.0.0.0/0' }],
      dataDir: '/run/x/networks',
    })
    expect(portmap?.type).toBe('portmap')
  })

  test('has a range and a route a family', () => {
    const [bridge] = plugins(cniConflist({ ...network, subnets: ['10.42.0.0/24', 'fd00:42::/64'] }, '/x'))
    expect(bridge?.ipam).toMatchObject({
      ranges: [[{ subnet: '10.42.0.0/24' }], [{ subnet: 'fd00:42::/64' }]],
      routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
    })
  })

  test('goes without portmap when host ports are handled elsewhere', () => {
    expect(plugins(cniConflist({ ...network, hostPorts: false }, '/x')).map(({ type }) => type)).toEqual(['bridge'])
  })

  test('refuses a bridge name that the kernel would', () => {
    expect(() => cniConflist({ ...network, bridge: 'a-name-of-sixteen' }, '/x')).toThrow('longer than 15 characters')
  })
})

test('a registry over plain http is its own server', () => {
  expect(hostsToml({ host: '127.0.0.1:5000', endpoint: 'http://127.0.0.1:5000' })).toBe(
    'server = "http://127.0.0.1:5000"\n\n[host."http://127.0.0.1:5000"]\n  capabilities = ["pull", "resolve"]\n',
  )
  expect(hostsToml({ host: 'docker.io', endpoint: 'https://mirror.example' })).toContain('server = "https://docker.io"')
})
