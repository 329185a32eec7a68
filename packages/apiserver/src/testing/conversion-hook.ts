import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { systemEnv } from '@skiff/machinery'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { issueCertificate, makeAuthority } from '../authn/authorities.ts'
import { startTestServer, type TestServer } from './start.ts'

// biome-ignore lint/suspicious/noExplicitAny: objects of any shape
export type Any = any
/** What a webhook answers to a review. */
export type Respond = (request: Any, review: Any) => Any

/** v1 has spec.first and spec.last; v2 has spec.name, which is both. */
const convert = (object: Any, apiVersion: string): Any => {
  const { spec = {}, ...rest } = object
  if (object.apiVersion === apiVersion) return object
  if (apiVersion.endsWith('/v1')) {
    const { name = '', ...others } = spec
    const [first = '', last = ''] = name.split(' ')
    return { ...rest, apiVersion, spec: { ...others, first, last } }
  }
  const { first = '', last = '', ...others } = spec
  return { ...rest, apiVersion, spec: { ...others, name: `${first} ${last}` } }
}

export const honest: Respond = ({ uid, objects, desiredAPIVersion }, { apiVersion }) => ({
  apiVersion,
  kind: 'ConversionReview',
  response: { uid, result: { status: 'Success' }, convertedObjects: objects.map((object: Any) => convert(object, desiredAPIVersion)) },
})

const schema = (properties: object) => ({
  openAPIV3Schema: {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { ...properties, replicas: { type: 'integer', default: 1 } } },
      status: { type: 'object', properties: { ready: { type: 'string' }, replicas: { type: 'integer' } } },
    },
  },
})
const text = { type: 'string' }
const subresources = { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } }
export const firstVersion = { name: 'v1', served: true, storage: true, schema: schema({ first: text, last: text }), subresources }
export const secondVersion = {
  name: 'v2',
  served: true,
  storage: false,
  schema: schema({ name: text }),
  subresources,
  selectableFields: [{ jsonPath: '.spec.name' }],
  additionalPrinterColumns: [{ name: 'Name', type: 'string', jsonPath: '.spec.name' }],
}

export const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
export const at = (group: string, version: string, rest = '') => `/apis/${group}/${version}/namespaces/default/people${rest}`
export const person = (group: string, version: string, name: string, spec: object) => ({
  apiVersion: `${group}/${version}`,
  kind: 'Person',
  metadata: { name },
  spec,
})

export interface ConversionHook {
  readonly api: TestServer
  readonly port: number
  readonly caBundle: string
  /** What the webhook was asked. */
  reviews: Any[]
  respond: Respond
  send(
    method: string,
    path: string,
    body?: Any,
    type?: string,
  ): Promise<{ readonly status: number; readonly body: Any; readonly text: string }>
  /** Has people of a group defined in two versions, which the webhook converts. */
  define(group: string, clientConfig?: object, change?: (made: Any) => Any): Promise<void>
  close(): Promise<void>
}

/** For tests: a server and beside it a webhook that converts between two versions of people. */
const startConversionHook = async (): Promise<ConversionHook> => {
  const api = await startTestServer()
  const authority = await makeAuthority('webhook-ca', systemEnv())
  const subject = { subject: { commonName: 'hook' }, hosts: ['127.0.0.1', 'hook.default.svc'], days: 1, usages: ['server' as const] }
  const hook = createServer(await issueCertificate(authority, subject, systemEnv()), async (incoming, outgoing) => {
    const review = (await json(incoming)) as Any
    made.reviews.push(review)
    outgoing.end(JSON.stringify(made.respond(review.request, review)))
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  const { port } = hook.address() as AddressInfo
  const caBundle = Buffer.from(authority.cert).toString('base64')
  const send: ConversionHook['send'] = (method, path, body, type = 'application/json') =>
    api.raw(method, path, body === undefined ? undefined : JSON.stringify(body), { 'content-type': type })
  const made: ConversionHook = {
    api,
    port,
    caBundle,
    reviews: [],
    respond: honest,
    send,
    define: async (group, clientConfig = { url: `https://127.0.0.1:${port}/convert`, caBundle }, change = (each) => each) => {
      const answer = await send('POST', definitions, change(definitionOf(group, clientConfig)))
      expect(answer.status, answer.text).toBe(201)
      for (let tries = 0; tries < 100; tries++) {
        if ((await send('GET', `/apis/${group}`)).status === 200) return
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    close: async () => {
      await api.close()
      hook.closeAllConnections()
      hook.close()
    },
  }
  return made
}

const definitionOf = (group: string, clientConfig: object) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `people.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'people', kind: 'Person' },
    conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v7', 'v1'] } },
    versions: [firstVersion, secondVersion],
  },
})

/** One webhook for all tests of a file: honest again after each of them. */
export const hookForTests = (take: (hook: ConversionHook) => void): void => {
  let hook: ConversionHook | undefined
  beforeAll(async () => {
    hook = await startConversionHook()
    take(hook)
  })
  afterEach(() => {
    if (hook) Object.assign(hook, { reviews: [], respond: honest })
  })
  afterAll(() => hook?.close())
}
