import { systemEnv } from '@skiff/machinery'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeAuthority } from '../authn/authorities.ts'
import { type Any, at, type ConversionHook, definitions, honest, hookForTests, person, type Respond } from '../testing/conversion-hook.ts'

let hook: ConversionHook
const send: ConversionHook['send'] = (...all) => hook.send(...all)
hookForTests((made) => {
  hook = made
})

/** The webhook's honest answer with something changed. */
const twisted =
  (twist: (answer: Any) => void): Respond =>
  (request, review) => {
    const answer = structuredClone(honest(request, review))
    twist(answer)
    return answer
  }
const object = (change: (converted: Any) => void) => twisted(({ response }) => change(response.convertedObjects[0]))

describe('answers of a conversion webhook', () => {
  const group = 'answers.example.com'
  const what = `conversion webhook for ${group}/v2, Kind=Person`
  const review = 'expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got'
  beforeAll(() => hook.define(group))

  test.each<[string, Respond, RegExp | string]>([
    ['nothing', () => ({}), `${what} failed: ${review} /, Kind=`],
    [
      'another version',
      twisted((answer) => {
        answer.apiVersion = 'apiextensions.k8s.io/v1beta1'
      }),
      `${what} failed: ${review} apiextensions.k8s.io/v1beta1, Kind=ConversionReview`,
    ],
    ['no response', twisted((answer) => delete answer.response), `${what} failed: no response provided`],
    [
      'another uid',
      twisted(({ response }) => {
        response.uid = 'x'
      }),
      /^conversion webhook for .* failed: expected response.uid="[-0-9a-f]{36}", got "x"$/,
    ],
    [
      'a failure',
      twisted(({ response }) => {
        response.result = { status: 'Failure', message: 'no such name' }
      }),
      `${what} failed: no such name`,
    ],
    ['no result', twisted(({ response }) => delete response.result), `${what} failed: response.result.status was '', not 'Success'`],
    ['too few', twisted(({ response }) => response.convertedObjects.pop()), `${what} returned 0 objects, expected 1`],
    [
      'the version it came in',
      object((converted) => {
        converted.apiVersion = `${group}/v2`
      }),
      `${what} returned invalid object at index 0: invalid groupVersion (expected ${group}/v1, received ${group}/v2)`,
    ],
    [
      'another kind',
      object((converted) => {
        converted.kind = 'Animal'
      }),
      `${what} returned invalid object at index 0: invalid kind (expected Person, received Animal)`,
    ],
    [
      'another name',
      object(({ metadata }) => {
        metadata.name = 'b'
      }),
      `${what} returned invalid object: must have the same name: a != b`,
    ],
    ['no metadata', object((converted) => delete converted.metadata), `${what} returned invalid object: must have the same name: a != `],
    [
      'labels that are none',
      object(({ metadata }) => {
        metadata.labels = { a: 1 }
      }),
      `${what} returned invalid metadata: metadata.labels[a] must be a string, but is int64 in converted object`,
    ],
    [
      'labels that nobody may have',
      object(({ metadata }) => {
        metadata.labels = { 'a b': 'c' }
      }),
      /^conversion webhook for .* returned invalid metadata: metadata.labels: Invalid value: "a b": name part must consist/,
    ],
  ])('with %s are refused', async (_, answer, message) => {
    hook.respond = answer
    const made = await send('POST', at(group, 'v2'), person(group, 'v2', 'a', { name: 'A B' }))
    expect(made).toMatchObject({ status: 500, body: { code: 500, status: 'Failure', metadata: {} } })
    expect(made.body.reason).toBeUndefined()
    expect(made.body.message).toEqual(message instanceof RegExp ? expect.stringMatching(message) : message)
  })

  test('change labels and annotations, and nothing else of metadata', async () => {
    hook.respond = object(({ metadata }) => {
      Object.assign(metadata, { labels: { by: 'hook' }, annotations: { a: 'b' }, generation: 77, finalizers: ['x/y'], ownerReferences: [] })
    })
    const { status } = await send('POST', at(group, 'v2'), person(group, 'v2', 'meta', { name: 'A B' }))
    expect(status).toBe(201)
    hook.respond = honest
    const { metadata } = (await send('GET', at(group, 'v1', '/meta'))).body
    expect(metadata).toMatchObject({ labels: { by: 'hook' }, annotations: { a: 'b' }, generation: 1 })
    expect(metadata.finalizers).toBeUndefined()
  })

  test('are pruned and defaulted by the schema of the version that they are in', async () => {
    hook.respond = object(({ spec }) => {
      spec.more = 'than known'
      delete spec.replicas
    })
    await send('POST', at(group, 'v2'), person(group, 'v2', 'pruned', { name: 'A B', replicas: 3 }))
    hook.respond = honest
    expect((await send('GET', at(group, 'v1', '/pruned'))).body.spec).toEqual({ first: 'A', last: 'B', replicas: 1 })
  })

  test('of reads and watches that fail are told to their callers', async () => {
    await send('POST', at(group, 'v1'), person(group, 'v1', 'unread', { first: 'A', last: 'B' }))
    hook.respond = twisted(({ response }) => {
      response.result = { status: 'Failure', message: 'asleep' }
    })
    const message = `conversion webhook for ${group}/v1, Kind=Person failed: asleep`
    expect(await send('GET', at(group, 'v2', '/unread'))).toMatchObject({ status: 500, body: { message } })
    expect(await send('GET', at(group, 'v2'))).toMatchObject({ status: 500, body: { message } })
    const watched = await hook.api.raw('GET', at(group, 'v2', '?watch=true&timeoutSeconds=1'))
    expect(watched.body).toMatchObject({ type: 'ERROR', object: { message, code: 500 } })
    expect((await send('GET', at(group, 'v1'))).status).toBe(200)
  })
})

describe('clients of a conversion webhook', () => {
  const made = async (group: string) => (await send('POST', at(group, 'v2'), person(group, 'v2', 'a', { name: 'A B' }))).body
  test('say whom they did not reach', async () => {
    const group = 'unreached.example.com'
    await hook.define(group, { url: 'https://127.0.0.1:1/convert', caBundle: hook.caBundle })
    expect(await made(group)).toMatchObject({
      code: 500,
      message: `conversion webhook for ${group}/v2, Kind=Person failed: Post "https://127.0.0.1:1/convert?timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused`,
    })
  })

  test('trust the bundle alone', async () => {
    const group = 'untrusted.example.com'
    const other = Buffer.from((await makeAuthority('another-ca', systemEnv())).cert).toString('base64')
    await hook.define(group, { url: `https://127.0.0.1:${hook.port}/convert`, caBundle: other })
    expect((await made(group)).message).toContain('tls: failed to verify certificate: x509: certificate signed by unknown authority')
  })

  test('find services', async () => {
    const group = 'service.example.com'
    const service = { namespace: 'default', name: 'hook', port: 8443, path: '/convert' }
    await hook.define(group, { service, caBundle: hook.caBundle })
    const lacking = await made(group)
    expect(lacking.message).toBe(
      `conversion webhook for ${group}/v2, Kind=Person failed: Post "https://hook.default.svc:8443/convert?timeout=30s": service "hook" not found`,
    )
    await send('POST', '/api/v1/namespaces/default/services', {
      metadata: { name: 'hook' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    })
    const config = { spec: { conversion: { webhook: { clientConfig: { service: { port: hook.port } } } } } }
    expect((await send('PATCH', `${definitions}/people.${group}`, config, 'application/merge-patch+json')).status).toBe(200)
    const answer = await made(group)
    expect(answer.spec ?? answer.message).toEqual({ name: 'A B', replicas: 1 })
  })

  test('speak v1beta1 where the webhook knows nothing newer', async () => {
    const group = 'beta.example.com'
    await hook.define(group, undefined, (definition) => {
      definition.spec.conversion.webhook.conversionReviewVersions = ['v1beta1', 'v1']
      return definition
    })
    hook.respond = (request, asked) => ({ response: { ...honest(request, asked).response, uid: undefined } })
    expect((await made(group)).spec).toEqual({ name: 'A B', replicas: 1 })
    expect(hook.reviews[0].apiVersion).toBe('apiextensions.k8s.io/v1beta1')
  })
})
