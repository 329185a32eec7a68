import {
  autoscalingV1HorizontalPodAutoscaler,
  configMap,
  deployment,
  horizontalPodAutoscaler,
  lease,
  namespace,
  pod,
  serviceAccount,
} from '@skiff/api'
import type { Client, Frame } from '@skiff/client'
import { isRefusal, type KubeObject } from '@skiff/machinery'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { refusal, startTestServer, type TestServer } from '../testing/start.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
})
afterAll(() => api.close())

let spaces = 0
const sides: readonly [string, () => Client][] = [
  ['near', () => api.near],
  ['far', () => api.far()],
]
const versionOf = (object: KubeObject) => Number(object.metadata.resourceVersion)

// One suite for both ways: wrapping a call in HTTP and unwrapping it changes nothing.
describe.each(sides)('%s', (_, side) => {
  let client: Client
  let ns: string
  const config = (name: string, data: Record<string, string> = {}, more: object = {}) => ({
    metadata: { name, namespace: ns, ...more },
    data,
  })
  const container = { name: 'c', image: 'nginx:1.25' }
  const podOf = (name: string, spec: object = {}) =>
    ({ metadata: { name, namespace: ns }, spec: { automountServiceAccountToken: false, containers: [container], ...spec } }) as never

  beforeEach(async () => {
    client = side()
    ns = `space-${spaces++}`
    await client.create(namespace, { metadata: { name: ns } } as never)
    await client.create(serviceAccount, { metadata: { name: 'default', namespace: ns } } as never)
  })

  describe('create', () => {
    test('sets what the server owns, and answers what a get answers', async () => {
      const made = await client.create(configMap, config('a', { x: '1' }, { uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z' }))
      expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
      expect(made.metadata.creationTimestamp).not.toMatch(/^2001/)
      expect(await client.get(configMap, { namespace: ns, name: 'a' })).toEqual(made)
    })
    test('refuses a name that is taken, a version, a foreign namespace, an absent namespace', async () => {
      await client.create(configMap, config('a'))
      expect(await refusal(client.create(configMap, config('a')))).toBe('409 AlreadyExists')
      expect(await refusal(client.create(configMap, config('b', {}, { resourceVersion: '7' })))).toBe('500 ')
      expect(await refusal(client.create(configMap, config('b'), { namespace: 'default' }))).toBe('400 BadRequest')
      expect(await refusal(client.create(configMap, { ...config('b'), metadata: { name: 'b', namespace: 'nowhere' } }))).toBe(
        '404 NotFound',
      )
      expect(await refusal(client.create(configMap, config('Not A Name')))).toBe('422 Invalid')
    })
    test('generateName adds five characters and draws again on a collision', async () => {
      const names = await Promise.all(
        Array.from({ length: 200 }, async () => {
          const made = await client.create(configMap, { metadata: { generateName: 'g-', namespace: ns } } as never)
          return made.metadata.name
        }),
      )
      expect(new Set(names).size).toBe(200)
      for (const name of names) expect(name).toMatch(/^g-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
    })
    test('a dry run leaves nothing behind, and still sees a name that is taken', async () => {
      const dry = { query: { dryRun: 'All' } }
      const made = await client.create(configMap, config('a'), undefined, dry)
      expect(made.metadata.uid).toBeDefined()
      expect(await refusal(client.get(configMap, { namespace: ns, name: 'a' }))).toBe('404 NotFound')
      await client.create(configMap, config('a'))
      expect(await refusal(client.create(configMap, config('a'), undefined, dry))).toBe('409 AlreadyExists')
    })
    test('of a hundred that want one name, one wins', async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => refusal(client.create(configMap, config('one')))))
      expect(answers.filter((each) => each === 'accepted')).toHaveLength(1)
      expect(answers.filter((each) => each === '409 AlreadyExists')).toHaveLength(99)
    })
  })

  describe('update', () => {
    test('an old version is a conflict and changes nothing; without one the write wins', async () => {
      const first = await client.create(configMap, config('a', { x: '1' }))
      const second = await client.update(configMap, { ...first, data: { x: '2' } })
      expect(versionOf(second)).toBeGreaterThan(versionOf(first))
      expect(await refusal(client.update(configMap, { ...first, data: { x: '3' } }))).toBe('409 Conflict')
      expect((await client.get(configMap, { namespace: ns, name: 'a' })).data).toEqual({ x: '2' })
      const { resourceVersion: _, ...metadata } = first.metadata
      expect((await client.update(configMap, { ...first, metadata, data: { x: '4' } } as never)).data).toEqual({ x: '4' })
    })
    test('a dry run answers with the version that it was tried on, and changes nothing', async () => {
      const first = await client.create(configMap, config('a', { x: '1' }))
      const dry = { query: { dryRun: 'All' } }
      const target = { namespace: ns, name: 'a' }
      const answers = [
        await client.update(configMap, { ...first, data: { x: '2' } }, undefined, dry),
        await client.patch(configMap, target, 'merge', { data: { x: '2' } }, dry),
        await client.patch(configMap, target, 'strategic', { data: { x: '2' } }, dry),
      ]
      for (const answer of answers) expect([answer.data, versionOf(answer)]).toEqual([{ x: '2' }, versionOf(first)])
      expect((await client.get(configMap, target)).data).toEqual({ x: '1' })
    })
    test('a write that changes nothing keeps its version', async () => {
      const first = await client.create(configMap, config('a', { x: '1' }))
      const again = await client.update(configMap, first)
      expect(again.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    })
    test('an absent object, another uid, another name in the body', async () => {
      const made = await client.create(configMap, config('a'))
      expect(await refusal(client.update(configMap, config('b') as never))).toBe('404 NotFound')
      expect(await refusal(client.update(configMap, { ...made, metadata: { ...made.metadata, uid: 'other' } }))).toBe('409 Conflict')
      expect(await refusal(client.update(configMap, made, { namespace: ns, name: 'b' }))).toBe('400 BadRequest')
    })
    test('a PUT makes a Lease that is absent; not one that is named with a version', async () => {
      const draft = { metadata: { name: 'l', namespace: ns }, spec: { holderIdentity: 'me' } }
      expect((await client.update(lease, draft as never)).spec?.holderIdentity).toBe('me')
      const other = { ...draft, metadata: { ...draft.metadata, name: 'm', resourceVersion: '5' } }
      expect(await refusal(client.update(lease, other as never))).toBe('409 Conflict')
    })
    test('spec and status go their own ways, and generation counts the spec', async () => {
      const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [container] } }
      const draft = { metadata: { name: 'd', namespace: ns }, spec: { replicas: 1, selector: { matchLabels: { app: 'a' } }, template } }
      const made = await client.create(deployment, draft as never)
      expect([made.metadata.generation, made.status?.replicas]).toEqual([1, undefined])
      const scaled = await client.update(deployment, { ...made, spec: { ...made.spec, replicas: 3 }, status: { replicas: 9 } } as never)
      expect([scaled.metadata.generation, scaled.status?.replicas, scaled.spec.replicas]).toEqual([2, undefined, 3])
      const reported = { ...scaled, spec: { ...scaled.spec, replicas: 7 }, status: { replicas: 3 } }
      const status = await client.update(deployment, reported as never, { namespace: ns, name: 'd', subresource: 'status' })
      expect([status.metadata.generation, status.status?.replicas, status.spec.replicas]).toEqual([2, 3, 3])
    })
    test('of a hundred with one version, one wins', async () => {
      const made = await client.create(configMap, config('a', { x: '0' }))
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, at) => refusal(client.update(configMap, { ...made, data: { x: `v${at}` } }))),
      )
      expect(answers.filter((each) => each === 'accepted')).toHaveLength(1)
      expect(answers.filter((each) => each === '409 Conflict')).toHaveLength(99)
    })
  })

  describe('patch', () => {
    test('a hundred merge patches at once all land', async () => {
      await client.create(configMap, config('a', { base: 'x' }))
      const target = { namespace: ns, name: 'a' }
      await Promise.all(Array.from({ length: 100 }, (_, at) => client.patch(configMap, target, 'merge', { data: { [`k${at}`]: `${at}` } })))
      const { data } = await client.get(configMap, target)
      expect(Object.keys(data ?? {})).toHaveLength(101)
      for (let at = 0; at < 100; at++) expect(data?.[`k${at}`]).toBe(String(at))
    })
    test('each type; a version in the patch is a precondition', async () => {
      const made = await client.create(configMap, config('a', { x: '1', y: '1' }))
      const target = { namespace: ns, name: 'a' }
      const merged = await client.patch(configMap, target, 'merge', { data: { y: null } })
      expect(merged.data).toEqual({ x: '1' })
      const jsonPatched = await client.patch(configMap, target, 'json', [{ op: 'add', path: '/data/z', value: '2' }])
      expect(jsonPatched.data).toEqual({ x: '1', z: '2' })
      const strategic = await client.patch(configMap, target, 'strategic', { metadata: { labels: { a: 'b' } } })
      expect(strategic.metadata.labels).toEqual({ a: 'b' })
      const stale = { metadata: { resourceVersion: made.metadata.resourceVersion }, data: { x: '9' } }
      expect(await refusal(client.patch(configMap, target, 'merge', stale))).toBe('409 Conflict')
      const failing = [{ op: 'test', path: '/data/x', value: 'other' }]
      expect(await refusal(client.patch(configMap, target, 'json', failing))).toBe('422 Invalid')
      expect(await refusal(client.patch(configMap, { ...target, name: 'b' }, 'merge', {}))).toBe('404 NotFound')
      expect(await refusal(client.patch(configMap, target, 'merge', { metadata: { name: 'b' } }))).toBe('400 BadRequest')
    })
  })

  describe('delete', () => {
    test('at once, with the uid or version that is asked for', async () => {
      const made = await client.create(configMap, config('a'))
      const target = { namespace: ns, name: 'a' }
      expect(await refusal(client.remove(configMap, target, { preconditions: { uid: 'other' } }))).toBe('409 Conflict')
      expect(await refusal(client.remove(configMap, target, { preconditions: { resourceVersion: '1' } }))).toBe('409 Conflict')
      const answer = await client.remove(configMap, target, { preconditions: { uid: made.metadata.uid } })
      expect(answer).toMatchObject({
        kind: 'Status',
        status: 'Success',
        details: { name: 'a', kind: 'configmaps', uid: made.metadata.uid },
      })
      expect(await refusal(client.remove(configMap, target))).toBe('404 NotFound')
    })
    test('finalizers hold an object until the last one goes', async () => {
      await client.create(configMap, config('a', {}, { finalizers: ['x.io/one', 'x.io/two'] }))
      const target = { namespace: ns, name: 'a' }
      const marked = (await client.remove(configMap, target)) as KubeObject
      expect(marked.metadata.deletionTimestamp).toBeDefined()
      expect(await refusal(client.create(configMap, config('a')))).toBe('409 AlreadyExists')
      await client.patch(configMap, target, 'merge', { metadata: { finalizers: ['x.io/two'] } })
      expect((await client.get(configMap, target)).metadata.finalizers).toEqual(['x.io/two'])
      expect(await refusal(client.patch(configMap, target, 'merge', { metadata: { finalizers: ['x.io/two', 'x.io/new'] } }))).toBe(
        '422 Invalid',
      )
      await client.patch(configMap, target, 'merge', { metadata: { finalizers: null } })
      expect(await refusal(client.get(configMap, target))).toBe('404 NotFound')
    })
    test('propagation becomes a finalizer', async () => {
      await client.create(configMap, config('a'))
      await client.create(configMap, config('b'))
      const foreground = (await client.remove(configMap, { namespace: ns, name: 'a' }, { propagationPolicy: 'Foreground' })) as KubeObject
      const orphan = (await client.remove(configMap, { namespace: ns, name: 'b' }, { propagationPolicy: 'Orphan' })) as KubeObject
      expect([foreground.metadata.finalizers, orphan.metadata.finalizers]).toEqual([['foregroundDeletion'], ['orphan']])
    })
    test('a pod on a node has its grace, which a second delete shortens and never lengthens', async () => {
      await client.create(pod, podOf('p', { nodeName: 'n1', terminationGracePeriodSeconds: 40 }))
      const target = { namespace: ns, name: 'p' }
      const graces: unknown[] = []
      for (const body of [undefined, { gracePeriodSeconds: 60 }, { gracePeriodSeconds: 10 }, { gracePeriodSeconds: 0 }]) {
        const answer = (await client.remove(pod, target, body)) as KubeObject
        graces.push(answer.metadata.deletionGracePeriodSeconds)
      }
      expect(graces.slice(0, 3)).toEqual([40, 40, 10])
      expect(await refusal(client.get(pod, target))).toBe('404 NotFound')
    })
    test('a pod without a node goes at once', async () => {
      await client.create(pod, podOf('p'))
      await client.remove(pod, { namespace: ns, name: 'p' })
      expect(await refusal(client.get(pod, { namespace: ns, name: 'p' }))).toBe('404 NotFound')
    })
    test('a collection by selector', async () => {
      for (let at = 0; at < 40; at++) await client.create(configMap, config(`c-${at}`, {}, { labels: { half: String(at % 2) } }))
      await client.removeCollection(configMap, { namespace: ns }, undefined, { query: { labelSelector: 'half=1' } })
      const left = await client.list(configMap, { namespace: ns })
      expect(left.items).toHaveLength(20)
      expect(left.items.every((each) => each.metadata.labels?.half === '0')).toBe(true)
    })
  })

  describe('list', () => {
    const fill = async (count: number) => {
      const name = (at: number) => `c-${String(at).padStart(3, '0')}`
      await Promise.all(
        Array.from({ length: count }, (_, at) => client.create(configMap, config(name(at), {}, { labels: { third: String(at % 3) } }))),
      )
    }
    const names = (list: { items: readonly KubeObject[] }) => list.items.map((each) => each.metadata.name)

    test('pages come from one revision while writers go on', async () => {
      await fill(250)
      const whole = await client.list(configMap, { namespace: ns })
      const seen: string[] = []
      let token: string | undefined
      let pages = 0
      let first: string | undefined
      do {
        const page = await client.list(configMap, { namespace: ns }, { query: { limit: '60', ...(token ? { continue: token } : {}) } })
        first ??= page.metadata.resourceVersion
        expect(page.metadata.resourceVersion).toBe(first)
        seen.push(...names(page))
        expect(page.metadata.remainingItemCount ?? 0).toBe(250 - seen.length)
        token = page.metadata.continue
        await client.create(configMap, config(`between-${seen.length}`))
        await client.remove(configMap, { namespace: ns, name: `c-${249 - pages++}` })
      } while (token)
      expect(seen).toEqual(names(whole))
    })
    test('an exact version is the past; a version that is not there yet is refused after a wait', async () => {
      await fill(3)
      const then = await client.list(configMap, { namespace: ns })
      await client.create(configMap, config('later'))
      const version = then.metadata.resourceVersion
      const exact = { query: { resourceVersion: version, resourceVersionMatch: 'Exact' } }
      expect(names(await client.list(configMap, { namespace: ns }, exact))).toEqual(names(then))
      const newer = { query: { resourceVersion: version, resourceVersionMatch: 'NotOlderThan' } }
      expect(names(await client.list(configMap, { namespace: ns }, newer))).toContain('later')
      expect(await refusal(client.list(configMap, { namespace: ns }, { query: { resourceVersion: '99999999' } }))).toBe('504 Timeout')
      const odd = { query: { resourceVersionMatch: 'Exact' } }
      expect(await refusal(client.list(configMap, { namespace: ns }, odd))).toBe('422 Invalid')
    })
    test('selectors, with pages of what they choose', async () => {
      await fill(30)
      const chosen = await client.list(configMap, { namespace: ns }, { query: { labelSelector: 'third in (0, 2)' } })
      expect(chosen.items).toHaveLength(20)
      const page = await client.list(configMap, { namespace: ns }, { query: { labelSelector: 'third!=1', limit: '15' } })
      expect([page.items.length, page.metadata.remainingItemCount]).toEqual([15, undefined])
      const rest = await client.list(
        configMap,
        { namespace: ns },
        { query: { labelSelector: 'third!=1', limit: '15', continue: page.metadata.continue as string } },
      )
      expect([...names(page), ...names(rest)]).toEqual(names(chosen))
      const one = await client.list(configMap, { namespace: ns }, { query: { fieldSelector: 'metadata.name=c-007' } })
      expect(names(one)).toEqual(['c-007'])
      expect(await refusal(client.list(configMap, { namespace: ns }, { query: { fieldSelector: 'spec.x=1' } }))).toBe('400 BadRequest')
      expect(await refusal(client.list(configMap, { namespace: ns }, { query: { labelSelector: 'a=(' } }))).toBe('400 BadRequest')
    })
    test('a field selector of one name finds it in every namespace', async () => {
      await client.create(configMap, config('only-here'))
      const all = await client.list(configMap, {}, { query: { fieldSelector: 'metadata.name=only-here' } })
      expect(all.items.filter((each) => each.metadata.namespace === ns)).toHaveLength(1)
    })
    test('tokens that nobody gave are refused', async () => {
      for (const token of ['x', 'e30', Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":""}').toString('base64url')])
        expect(await refusal(client.list(configMap, { namespace: ns }, { query: { continue: token } }))).toBe('400 BadRequest')
    })
  })

  describe('watch', () => {
    /** Collects frames until `enough` says so. */
    const collect = async (
      target: object,
      query: Record<string, string>,
      act: () => Promise<void>,
      enough: (frames: Frame[]) => boolean,
    ) => {
      const stop = new AbortController()
      const stream = await client.watch(configMap, target, { query, signal: stop.signal })
      const frames: Frame[] = []
      const acting = act()
      for await (const batch of stream) {
        frames.push(...batch)
        if (enough(frames)) break
      }
      stop.abort()
      await acting
      return frames
    }
    const told = (frames: readonly Frame[]) => frames.map((frame) => `${frame.type} ${frame.object.metadata.name}`)

    test('from a version: every change once, in order', async () => {
      const { metadata } = await client.list(configMap, { namespace: ns })
      const act = async () => {
        const made = await client.create(configMap, config('a'))
        await client.update(configMap, { ...made, data: { x: '1' } })
        await client.remove(configMap, { namespace: ns, name: 'a' })
        await client.create(configMap, config('b'))
      }
      const frames = await collect({ namespace: ns }, { resourceVersion: metadata.resourceVersion }, act, (all) => all.length === 4)
      expect(told(frames)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED b'])
      const versions = frames.map((frame) => versionOf(frame.object))
      expect(versions).toEqual(versions.toSorted((a, b) => a - b))
      expect(new Set(versions).size).toBe(4)
    })
    test('without a version the present comes first', async () => {
      await client.create(configMap, config('a'))
      const act = async () => void (await client.create(configMap, config('b')))
      expect(told(await collect({ namespace: ns }, {}, act, (all) => all.length === 2))).toEqual(['ADDED a', 'ADDED b'])
    })
    test('a selector turns a change into a beginning or an end', async () => {
      const { metadata } = await client.list(configMap, { namespace: ns })
      const target = { namespace: ns, name: 'a' }
      const label = (value: string | null) => client.patch(configMap, target, 'merge', { metadata: { labels: { on: value } } })
      const act = async () => {
        await client.create(configMap, config('a'))
        await label('yes')
        await client.patch(configMap, target, 'merge', { data: { x: '1' } })
        await label(null)
        await client.patch(configMap, target, 'merge', { data: { x: '2' } })
        await label('yes')
        await client.remove(configMap, target)
      }
      const query = { resourceVersion: metadata.resourceVersion, labelSelector: 'on=yes' }
      const frames = await collect({ namespace: ns }, query, act, (all) => all.length === 5)
      expect(frames.map((frame) => frame.type)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED'])
      expect(versionOf((frames[2] as Frame).object)).toBeGreaterThan(versionOf((frames[1] as Frame).object))
    })
    test('one name alone, by its path or its field', async () => {
      const { metadata } = await client.list(configMap, { namespace: ns })
      const act = async () => {
        await client.create(configMap, config('a'))
        await client.create(configMap, config('b'))
        await client.create(configMap, config('c'))
        await client.remove(configMap, { namespace: ns, name: 'b' })
      }
      const query = { resourceVersion: metadata.resourceVersion, fieldSelector: 'metadata.name=b' }
      expect(told(await collect({ namespace: ns }, query, act, (all) => all.length === 2))).toEqual(['ADDED b', 'DELETED b'])
    })
    test('a version whose history has gone is an ERROR of 410', async () => {
      const frames = await collect(
        { namespace: ns },
        { resourceVersion: '1' },
        async () => {},
        (all) => all.length === 1,
      )
      expect(frames).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }])
    })
    test('ends by its timeout', async () => {
      const stream = await client.watch(configMap, { namespace: ns }, { query: { timeoutSeconds: '1' } })
      for await (const batch of stream) expect(batch).toEqual([])
    })
    test('resumes under load without loss or duplicate', async () => {
      const { metadata } = await client.list(configMap, { namespace: ns })
      let version = metadata.resourceVersion
      const wanted = 300
      const load = (async () => {
        for (let at = 0; at < wanted; at += 10)
          await Promise.all(Array.from({ length: 10 }, (_, more) => client.create(configMap, config(`c-${at + more}`))))
      })()
      const seen: string[] = []
      while (seen.length < wanted) {
        const stop = new AbortController()
        const stream = await client.watch(configMap, { namespace: ns }, { query: { resourceVersion: version }, signal: stop.signal })
        // Each watch is left after a few frames, and the next one begins where it stood.
        const upTo = seen.length + 17
        for await (const batch of stream) {
          for (const frame of batch) {
            if (seen.length >= upTo) break
            seen.push(frame.object.metadata.name)
            version = frame.object.metadata.resourceVersion as string
          }
          if (seen.length >= upTo || seen.length >= wanted) break
        }
        stop.abort()
      }
      await load
      expect(seen).toHaveLength(wanted)
      expect(new Set(seen).size).toBe(wanted)
    })
  })

  test('a refusal says the same on both ways', async () => {
    const error = await client.get(configMap, { namespace: ns, name: 'absent' }).catch((thrown: unknown) => thrown)
    expect(isRefusal(error) && error.status).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'configmaps "absent" not found',
      reason: 'NotFound',
      details: { name: 'absent', kind: 'configmaps' },
      code: 404,
    })
  })
  test('awkward keys survive', async () => {
    const data = { __proto__: 'p', constructor: 'c', '10': 'ten', '2': 'two', 'a.b': '<&>' }
    Object.defineProperty(data, '__proto__', { value: 'p', enumerable: true })
    await client.create(configMap, config('odd', data))
    const read = await client.get(configMap, { namespace: ns, name: 'odd' })
    expect(Object.entries(read.data ?? {}).sort()).toEqual(Object.entries(data).sort())
  })
  test('a kind in two versions is one object', async () => {
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }
    const draft = { metadata: { name: 'h', namespace: ns }, spec: { scaleTargetRef, maxReplicas: 4, targetCPUUtilizationPercentage: 50 } }
    await client.create(autoscalingV1HorizontalPodAutoscaler, draft as never)
    const newer = await client.get(horizontalPodAutoscaler, { namespace: ns, name: 'h' })
    expect(newer.spec.metrics).toEqual([
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
    ])
    await client.patch(horizontalPodAutoscaler, { namespace: ns, name: 'h' }, 'merge', { spec: { maxReplicas: 6 } })
    const { items } = await client.list(autoscalingV1HorizontalPodAutoscaler, { namespace: ns })
    expect(items.map(({ spec }) => [spec.maxReplicas, spec.targetCPUUtilizationPercentage])).toEqual([[6, 50]])
  })
})
