import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildBuiltins, type Descriptions, gatesOf } from '@skiff/api'
import { expect, test } from 'vitest'
import { createRegistry } from '../registry/registry.ts'
import { document2 } from './documents.ts'
import type { Schema } from './schemas.ts'

// The JavaScript client was generated from upstream's 1.33 document, so that its code tells every operation of it but the old watches.

const modules = fileURLToPath(new URL('../../../../node_modules/', import.meta.url))
const clients = ['client-node-1.33', '@kubernetes/client-node'].map((name) => `${modules}${name}/dist/gen/apis/`)
const apis = clients.find((path) => existsSync(path)) as string

interface Told {
  readonly id: string
  readonly queries: readonly string[]
  readonly body: string
  readonly answers: readonly string[]
}

const operationsOf = (file: string): readonly (readonly [string, Told])[] => {
  const source = readFileSync(`${apis}${file}`, 'utf8')
  return [...source.matchAll(/\n {4}async (\w+)\([^)]*_options\) \{([\s\S]*?)\n {4}\}/g)].map(([, id = '', code = '']) => {
    const path = /localVarPath = '([^']+)'/.exec(code)?.[1] ?? ''
    const method = /HttpMethod\.(\w+)/.exec(code)?.[1]?.toLowerCase() ?? ''
    const queries = [...code.matchAll(/setQueryParam\("(\w+)", ObjectSerializer\.serialize\(\w+, "(\w+)"/g)].map(([, n, t]) => `${n}: ${t}`)
    const body = /serialize\(body, "([^"]+)"/.exec(code)?.[1] ?? ''
    const answer = source.slice(source.indexOf(`async ${id}WithHttpInfo(`))
    const upTo = answer.slice(0, answer.indexOf('Work around'))
    const answers = [...upTo.matchAll(/isCodeInRange\("(\d+)"[\s\S]*?(?:contentType\), "([^"]+)"|ApiException)/g)]
    return [
      `${method} ${path}`,
      {
        id,
        queries: queries.sort(),
        body: body === 'any' ? 'Patch' : modelName(body),
        answers: answers.map(([, c, t = '']) => `${c} ${modelName(t)}`),
      },
    ] as const
  })
}

/** The last part of a type's name, as far as both sides have it: CoreV1Event, V1Pod and io.k8s.api.core.v1.Pod. */
const modelName = (name: string): string =>
  name
    .replace(/^.*\./, '')
    .replace(/^([A-Z][a-z]+)?V\d+((alpha|beta)\d+)?(?=[A-Z])/, '')
    .replace(/^VersionInfo$/, 'Info')

const clientOperations = new Map(
  readdirSync(apis)
    .filter((file) => /Api\.js$/.test(file) && file !== 'CustomObjectsApi.js')
    .flatMap(operationsOf),
)

// Everything that flags can switch on, as upstream's document was made.
const registry = createRegistry(buildBuiltins({ gates: gatesOf('AllAlpha=true,AllBeta=true'), serves: () => true }).kinds)
const silent: Descriptions = { type: () => '', field: () => '' }
const { paths, parameters } = document2(registry, silent) as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Schema>>>>
  readonly parameters: Readonly<Record<string, Schema>>
}

const followed = (list: unknown): readonly Schema[] =>
  ((list ?? []) as readonly Schema[]).map((each) =>
    typeof each.$ref === 'string' ? (parameters[each.$ref.replace('#/parameters/', '')] as Schema) : each,
  )

const lastName = (schema: unknown): string => {
  const { $ref, type } = (schema ?? {}) as { readonly $ref?: string; readonly type?: string }
  return $ref ? modelName($ref) : (type ?? '')
}

const toldOf = (path: string, method: string): Told => {
  const operation = paths[path]?.[method] as Schema
  const all = [...followed(paths[path]?.parameters), ...followed(operation.parameters)]
  const type = (each: Schema) => (each.type === 'integer' ? 'number' : each.type)
  const responses = operation.responses as Readonly<Record<string, { readonly schema?: unknown }>>
  return {
    id: String(operation.operationId),
    queries: all
      .filter((each) => each.in === 'query')
      .map((each) => `${each.name}: ${type(each)}`)
      .sort(),
    body: lastName(all.find((each) => each.in === 'body')?.schema),
    answers: Object.entries(responses).map(([code, { schema }]) => `${code} ${lastName(schema)}`),
  }
}

/** listCoreV1NamespacedPod is listNamespacedPod within CoreV1Api. */
const sameId = (long: string, short: string): boolean => {
  const verb = /^[a-z]+/.exec(short)?.[0] ?? ''
  return long.startsWith(verb) && (long.endsWith(short.slice(verb.length)) || long.startsWith(short))
}

test('every operation is as upstream tells it', () => {
  const ours = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => key !== 'parameters' && !path.includes('/watch/'))
      .map((method) => [path, method] as const),
  )
  const wrong = ours.flatMap(([path, method]) => {
    // The client's generator ends no path of a document that is no resource with a slash.
    const theirs = clientOperations.get(`${method} ${path}`) ?? clientOperations.get(`${method} ${path.replace(/\/$/, '')}`)
    const told = toldOf(path, method)
    if (!theirs) return [`${method} ${path}: not upstream's`]
    const { id, ...rest } = told
    const { id: theirId, ...theirRest } = theirs
    if (!sameId(id, theirId)) return [`${method} ${path}: ${id} is ${theirId}`]
    return JSON.stringify(rest) === JSON.stringify(theirRest) ? [] : [`${method} ${path}: ${JSON.stringify([rest, theirRest])}`]
  })
  expect(ours.length).toBeGreaterThan(500)
  expect(wrong).toEqual([])
})

test('no operation of a group version that is served is missing', () => {
  const versions = [...new Set(registry.all().map((kind) => `${kind.group === '' ? '/api' : `/apis/${kind.group}`}/${kind.version}/`))]
  const theirs = [...clientOperations.keys()].filter((key) => versions.some((version) => key.includes(` ${version}`)))
  const missing = theirs.filter((key) => {
    const [method = '', path = ''] = key.split(' ')
    return paths[path]?.[method] === undefined
  })
  expect(missing).toEqual([])
})
