import { systemEnv } from '@skiff/machinery'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { service, slice, watchedMap } from '../fixture.ts'
import type { EndpointSliceObject, ServiceObject } from '../objects.ts'
import { runOrThrow } from '../run.ts'
import { canMakeNamespaces, type Lab, openLab } from '../testing/lab.ts'
import { type ServiceProxy, startProxy } from './agent.ts'
import { type Dataplane, nftablesDataplane } from './dataplanes/nftables/dataplane.ts'

const web = (clusterIP: string) => ({ clusterIP, ports: [{ port: 80 }] })

describe.skipIf(!canMakeNamespaces)('the proxy of a node', () => {
  let lab: Lab
  let plane: Dataplane
  let proxy: ServiceProxy | undefined
  const services = watchedMap<ServiceObject>()
  const slices = watchedMap<EndpointSliceObject>()

  beforeEach(async () => {
    lab = openLab()
    const netns = await lab.namespace('node')
    plane = nftablesDataplane({ name: 'skiff', family: 'ip', podRange: '10.244.0.0/16', serviceRange: '10.96.0.0/16', netns }, systemEnv())
  })
  afterEach(async () => {
    await proxy?.stop()
    await lab.close()
  })
  const start = (dataplane: Dataplane, verifyEveryMs?: number) =>
    startProxy({ services, slices, dataplanes: [dataplane], nodeName: 'one', env: systemEnv(), verifyEveryMs })
  const rules = async () => {
    await proxy?.settled()
    return runOrThrow(['nft', 'list', 'table', 'ip', 'skiff'], { netns: lab.path('node') })
  }

  test('rules follow services and slices, from the first list on, and stay when it stops', async () => {
    services.put(service('default/web', web('10.96.0.20')))
    slices.put(slice('default/web', ['10.244.0.3']))
    proxy = start(plane)
    expect(await rules()).toContain('dnat to 10.244.0.3:8080')
    slices.put(slice('default/web', ['10.244.0.4'], undefined, 'b'))
    expect(await rules()).toMatch(/mod 2 0 .* 10\.244\.0\.3:8080\n.* 10\.244\.0\.4:8080/)
    slices.remove('default/web-a')
    expect(await rules()).not.toContain('10.244.0.3')
    services.put(service('default/other', web('10.96.0.30')))
    slices.put({ ...slice('default/other', ['10.244.0.4']), metadata: { ...slice('default/other', []).metadata, name: 'web-b' } })
    const moved = await rules()
    expect(moved).toContain('10.96.0.20 . tcp . 80 : goto reject-all')
    expect(moved).toContain('10.96.0.30 . tcp . 80 : goto svc-default/other/tcp-80')
    services.remove('default/web')
    expect(await rules()).not.toContain('10.96.0.20')
    await proxy.stop()
    expect(await rules()).toContain('10.96.0.30')
  })

  test('a refusal is tried again until it works; many changes go in few updates', async () => {
    let flushes = 0
    const flaky: Dataplane = {
      ...plane,
      flush: () => (flushes++ === 0 ? Promise.reject(new Error('busy')) : plane.flush()),
    }
    const env = { ...systemEnv(), sleep: (ms: number, signal?: AbortSignal) => systemEnv().sleep(ms === 1_000 ? 5 : ms, signal) }
    proxy = startProxy({ services, slices, dataplanes: [flaky], nodeName: 'one', env, verifyEveryMs: 60_000 })
    for (let at = 0; at < 300; at++) services.put(service(`default/s${at}`, web(`10.96.1.${at % 250}`)))
    expect(await rules()).toContain('no-endpoint-services')
    expect(flushes).toBeLessThan(8)
    for (let at = 0; at < 300; at++) services.remove(`default/s${at}`)
    expect(await rules()).not.toContain('10.96.1.')
  })

  test('a flushed rule set is repaired by itself', async () => {
    services.put(service('default/web', web('10.96.0.20')))
    proxy = start(plane, 20)
    await rules()
    await runOrThrow(['nft', 'flush', 'ruleset'], { netns: lab.path('node') })
    await expect.poll(() => rules().catch(() => ''), { timeout: 5_000 }).toContain('10.96.0.20')
  })
})
