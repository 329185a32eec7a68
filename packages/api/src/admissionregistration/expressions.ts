import {
  boolType,
  CelError,
  compileCel,
  type Declared,
  dynType,
  invalidValue,
  listType,
  mapType,
  nullType,
  objectType,
  type StaticType,
  sameType,
  simpleType,
  typeOfCelText,
} from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'

const text = simpleType('string')
const time = simpleType('timestamp')
const object = (name: string, fields: Readonly<Record<string, StaticType>>): StaticType => objectType(name, new Map(Object.entries(fields)))
const texts = (...names: readonly string[]): Record<string, StaticType> => Object.fromEntries(names.map((name) => [name, text]))

const kindType = object('kubernetes.GroupVersionKind', texts('group', 'version', 'kind'))
const resourceType = object('kubernetes.GroupVersionResource', texts('group', 'version', 'resource'))

/** What an expression may read of the request. */
const requestType = object('kubernetes.AdmissionRequest', {
  kind: kindType,
  resource: resourceType,
  requestKind: kindType,
  requestResource: resourceType,
  ...texts('subResource', 'requestSubResource', 'name', 'namespace', 'operation'),
  userInfo: object('kubernetes.UserInfo', { ...texts('username', 'uid'), groups: listType(text), extra: mapType(text, listType(text)) }),
  dryRun: boolType,
  options: dynType,
})

/** What it may read of the namespace: upstream leaves out owners and managed fields on purpose. */
const namespaceType = object('kubernetes.Namespace', {
  metadata: object('kubernetes.NamespaceMetadata', {
    ...texts('name', 'generateName', 'namespace', 'UID', 'resourceVersion'),
    labels: mapType(text, text),
    annotations: mapType(text, text),
    creationTimestamp: time,
    deletionTimestamp: time,
    deletionGracePeriodSeconds: simpleType('int'),
    generation: simpleType('int'),
    finalizers: listType(text),
  }),
  spec: object('kubernetes.NamespaceSpec', { finalizers: listType(text) }),
  status: object('kubernetes.NamespaceStatus', {
    phase: text,
    conditions: listType(
      object('kubernetes.NamespaceCondition', { ...texts('status', 'type', 'message', 'reason'), lastTransitionTime: time }),
    ),
  }),
})

/** What an expression of admission may speak of. */
export interface Speaks {
  readonly params?: boolean
  readonly authorizer?: boolean
  /** The types of a policy's variables; absent where an expression may use none. */
  readonly variables?: ReadonlyMap<string, StaticType>
  /** Where the type of the objects is known; dyn otherwise. */
  readonly object?: StaticType
  readonly paramsType?: StaticType
}

/** The names that an expression may use, with their types. */
export const declaredFor = (speaks: Speaks): Declared =>
  new Map<string, StaticType>([
    ['object', speaks.object ?? dynType],
    ['oldObject', speaks.object ?? dynType],
    ['request', requestType],
    ['namespaceObject', namespaceType],
    ...(speaks.params ? [['params', speaks.paramsType ?? dynType] as const] : []),
    ...(speaks.authorizer ? [['authorizer', typeOfCelText('Authorizer')] as const] : []),
    ...(speaks.variables ? [['variables', objectType('kubernetes.variables', speaks.variables)] as const] : []),
  ])

export const resultTypes = { bool: boolType, string: text, null_type: nullType } as const

/** Whether an expression can be read and comes to one of the types wanted (to anything where none are named). Gives its type where it has one. */
export const checkExpression = (
  faults: Faults,
  source: string,
  path: string,
  declared: Declared,
  wanted: readonly (keyof typeof resultTypes)[] = [],
): StaticType | undefined => {
  try {
    const { type } = compileCel(source, declared)
    // A type that is known only when the expression is evaluated is refused as well.
    if (wanted.length > 0 && !wanted.some((name) => sameType(resultTypes[name], type)))
      faults.push(invalidValue(path, source, `must evaluate to ${wanted.length === 1 ? wanted[0] : `one of [${wanted.join(' ')}]`}`))
    return type
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    faults.push(invalidValue(path, source, `compilation failed: ${error.message}`))
    return undefined
  }
}

/** The types of variables, each of which may use those before it; of one that cannot be read nothing is known. */
export const typesOfVariables = (
  variables: readonly { readonly name: string; readonly expression: string }[],
  speaks: Speaks,
): ReadonlyMap<string, StaticType> => {
  const types = new Map<string, StaticType>()
  for (const { name, expression } of variables)
    types.set(name, checkExpression([], expression ?? '', '', declaredFor({ ...speaks, variables: types })) ?? dynType)
  return types
}
