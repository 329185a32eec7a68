import type { Parameter, Route } from './route.ts'
import type { Dialect, Schema } from './schemas.ts'

const texts: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' }
const unauthorized = { 401: { description: 'Unauthorized' } }

/** The paths of some operations, as a version of OpenAPI writes them; what all operations of a path take stands with the path. */
export const pathsOf = (routes: readonly Route[], dialect: Dialect): Readonly<Record<string, Schema>> => {
  const byPath = new Map<string, Route[]>()
  for (const route of routes) byPath.set(route.path, [...(byPath.get(route.path) ?? []), route])
  const sorted = [...byPath].sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(sorted.map(([path, here]) => [path, itemOf(here, dialect)]))
}

const sameParameter = (a: Parameter) => (b: Parameter) => a.name === b.name && a.in === b.in

const itemOf = (routes: readonly Route[], dialect: Dialect): Schema => {
  const shared = (routes[0]?.parameters ?? []).filter((each) => routes.every((route) => route.parameters.some(sameParameter(each))))
  const operations = routes.map((route) => {
    const own = route.parameters.filter((each) => !shared.some(sameParameter(each)))
    return [route.method, dialect.version === 3 ? operation3(route, own, dialect) : operation2(route, own, dialect)]
  })
  return {
    ...Object.fromEntries(operations),
    ...(shared.length > 0 ? { parameters: sorted(shared.map((each) => parameterOf(each, dialect))) } : {}),
  }
}

const nameOf = (parameter: Schema): string => `${String(parameter.name)} ${String(parameter.in)}`
const sorted = (parameters: readonly Schema[]): readonly Schema[] => [...parameters].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))

const written = { 2: new WeakMap<Parameter, Schema>(), 3: new WeakMap<Parameter, Schema>() }
/** A parameter that many operations take is written once, so that it can be told by identity. */
const parameterOf = (parameter: Parameter, { version }: Dialect): Schema => {
  const schema = written[version].get(parameter) ?? writeParameter(parameter, version)
  written[version].set(parameter, schema)
  return schema
}

const writeParameter = ({ name, in: place, type, description }: Parameter, version: 2 | 3): Schema => {
  const value = { type, uniqueItems: true }
  return {
    ...(description === '' ? {} : { description }),
    in: place,
    name,
    ...(place === 'path' ? { required: true } : {}),
    ...(version === 3 ? { schema: value } : value),
  }
}

const schemaOf = ({ answer }: Route, { refPrefix }: Dialect): Schema =>
  'type' in answer ? { type: answer.type } : { $ref: `${refPrefix}${answer.ref}` }

const told = ({ action, gvk }: Route): Schema =>
  action === undefined ? {} : { 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': gvk }

const operation3 = (route: Route, own: readonly Parameter[], dialect: Dialect): Schema => {
  const schema = schemaOf(route, dialect)
  const content = Object.fromEntries(route.produces.map((type) => [type, { schema }]))
  const { body } = route
  const sent = body && { schema: { $ref: `${dialect.refPrefix}${body.ref}` } }
  return {
    tags: [route.tag],
    description: route.description,
    operationId: route.id,
    ...(own.length > 0 ? { parameters: sorted(own.map((each) => parameterOf(each, dialect))) } : {}),
    ...(body
      ? {
          requestBody: {
            content: Object.fromEntries(route.consumes.map((type) => [type, sent])),
            ...(body.required ? { required: true } : {}),
          },
        }
      : {}),
    responses: { ...Object.fromEntries(route.codes.map((code) => [code, { description: texts[code], content }])), ...unauthorized },
    ...told(route),
  }
}

const operation2 = (route: Route, own: readonly Parameter[], dialect: Dialect): Schema => {
  const schema = schemaOf(route, dialect)
  const { body } = route
  const sent = body
    ? [{ in: 'body', name: 'body', ...(body.required ? { required: true } : {}), schema: { $ref: `${dialect.refPrefix}${body.ref}` } }]
    : []
  const parameters = sorted([...sent, ...own.map((each) => parameterOf(each, dialect))])
  return {
    description: route.description,
    ...(route.consumes.length > 0 ? { consumes: route.consumes } : {}),
    produces: route.produces,
    schemes: ['https'],
    tags: [route.tag],
    operationId: route.id,
    ...(parameters.length > 0 ? { parameters } : {}),
    responses: { ...Object.fromEntries(route.codes.map((code) => [code, { description: texts[code], schema }])), ...unauthorized },
    ...told(route),
  }
}
