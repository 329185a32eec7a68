import type { Descriptions } from '@skiff/api'
import type { FieldFacts } from '@skiff/machinery'
import type { Parameter } from './route.ts'
import type { DocumentedType } from './schemas.ts'

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

/** The options whose fields an action takes as query parameters. */
const optionsOf: Readonly<Record<string, readonly string[]>> = {
  list: [`${meta}ListOptions`],
  watch: [`${meta}ListOptions`],
  watchlist: [`${meta}ListOptions`],
  post: [`${meta}CreateOptions`],
  put: [`${meta}UpdateOptions`],
  patch: [`${meta}PatchOptions`],
  delete: [`${meta}DeleteOptions`],
  deletecollection: [`${meta}ListOptions`, `${meta}DeleteOptions`],
}
/** What a collection that is deleted cannot be asked. */
const unasked = new Set(['watch', 'allowWatchBookmarks'])

export interface ParameterSource {
  readonly types: Readonly<Record<string, DocumentedType>>
  readonly descriptions: Descriptions
}

/** The JSON type of a query parameter; undefined for messages and times, which a query cannot carry. A list's is its elements'. */
const typeOf = (field: FieldFacts): string | undefined => {
  if (field.type === 'array') return field.items ? typeOf(field.items) : undefined
  return field.ref || field.format === 'date-time' ? undefined : field.type
}

const made = new WeakMap<ParameterSource, Map<string, readonly Parameter[]>>()

/** The fields of a type of options as query parameters; the same ones for every operation of a source. */
export const optionParameters = (source: ParameterSource, typeName: string): readonly Parameter[] => {
  const known = made.get(source) ?? new Map<string, readonly Parameter[]>()
  made.set(source, known)
  const parameters = known.get(typeName) ?? makeParameters(source, typeName)
  known.set(typeName, parameters)
  return parameters
}

const makeParameters = ({ types, descriptions }: ParameterSource, typeName: string): readonly Parameter[] =>
  Object.entries(types[typeName]?.fields ?? {}).flatMap(([name, field]) => {
    const type = name === 'kind' || name === 'apiVersion' ? undefined : typeOf(field)
    return type === undefined ? [] : [{ name, in: 'query' as const, type, description: descriptions.field(typeName, name) }]
  })

/** The query parameters of an action as x-kubernetes-action names it. */
export const actionParameters = (source: ParameterSource, action: string, custom: boolean): readonly Parameter[] => {
  const types = custom && action === 'deletecollection' ? [`${meta}ListOptions`] : (optionsOf[action] ?? [])
  const all = types.flatMap((name) => optionParameters(source, name))
  return action === 'deletecollection' && !custom ? all.filter(({ name }) => !unasked.has(name)) : all
}

const pretties = new WeakMap<ParameterSource, Parameter>()
export const prettyParameter = (source: ParameterSource): Parameter => {
  const description = source.descriptions.field('query', 'pretty') || "If 'true', the answer is printed with indentation."
  const parameter = pretties.get(source) ?? { name: 'pretty', in: 'query', type: 'string', description }
  pretties.set(source, parameter)
  return parameter
}

export const nameParameter = (kind: string): Parameter => ({
  name: 'name',
  in: 'path',
  type: 'string',
  description: `name of the ${kind}`,
})

export const namespaceParameter: Parameter = {
  name: 'namespace',
  in: 'path',
  type: 'string',
  description: 'object name and auth scope, such as for teams and projects',
}

export const pathParameter: Parameter = { name: 'path', in: 'path', type: 'string', description: 'path to the resource' }
