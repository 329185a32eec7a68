import {
  type CustomResourceDefinition,
  celTypeOf,
  celTypeOfCustom,
  declaredFor,
  type RuleWithOperations,
  resourceFacts,
  type Structural,
  typesOfVariables,
  type ValidatingAdmissionPolicy,
} from '@skiff/api'
import { CelError, compileCel, type StaticType } from '@skiff/machinery'

/** Upstream's bound on the kinds of one policy. */
const mostTypes = 10

interface Names {
  readonly group: string
  readonly version: string
}
/** A kind that a policy is for, with the type of its objects. */
interface Known extends Names {
  readonly kind: string
  readonly type: StaticType
}

export interface ExpressionWarning {
  readonly fieldRef: string
  readonly warning: string
}

/** What a policy's expressions get wrong about the kinds that it is for. */
export const typeWarnings = (
  { spec }: ValidatingAdmissionPolicy,
  definitions: readonly CustomResourceDefinition[],
): readonly ExpressionWarning[] => {
  const { paramKind, variables = [], validations = [], matchConstraints } = spec
  const [version = '', group = ''] = (paramKind?.apiVersion ?? '').split('/').toReversed()
  const paramsType = paramKind && kindsOf({ group, version }, definitions, (one) => one.kind === paramKind.kind)[0]?.type
  const kinds = kindsFor(matchConstraints?.resourceRules ?? [], definitions)
  const warned = (expression: string): string => {
    const messages = kinds.flatMap((known) => {
      const speaks = { authorizer: true, object: known.type, ...(paramsType ? { params: true, paramsType } : {}) }
      const wrong = faultOf(expression, { ...speaks, variables: typesOfVariables(variables, speaks) })
      return wrong === undefined ? [] : [`${apiVersion(known)}, Kind=${known.kind}: ${wrong}\n`]
    })
    return messages.join('\n')
  }
  return validations.flatMap(({ expression, messageExpression }, index) => {
    const path = `spec.validations[${index}]`
    const found = [
      { fieldRef: `${path}.expression`, warning: warned(expression) },
      { fieldRef: `${path}.messageExpression`, warning: messageExpression ? warned(messageExpression) : '' },
    ]
    return found.filter(({ warning }) => warning !== '')
  })
}

const faultOf = (expression: string, speaks: Parameters<typeof declaredFor>[0]): string | undefined => {
  try {
    compileCel(expression, declaredFor(speaks))
    return undefined
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return error.message
  }
}

/** Go's text of a group and version: the core group keeps its slash. */
const apiVersion = ({ group, version }: Names): string => `${group}/${version}`

/** The kinds that rules name one by one, in order; rules with a star name none. */
const kindsFor = (rules: readonly RuleWithOperations[], definitions: readonly CustomResourceDefinition[]): readonly Known[] => {
  const found = new Map<string, Known>()
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if ([...apiGroups, ...apiVersions].some((each) => each.includes('*'))) continue
    const plain = resources.filter((each) => !/[*/]/.test(each)).sort()
    for (const group of [...apiGroups].sort())
      for (const version of [...apiVersions].sort())
        for (const known of kindsOf({ group, version }, definitions, ({ plural }) => plain.includes(plural)))
          if (found.size < mostTypes) found.set(`${apiVersion(known)} ${known.kind}`, known)
  }
  return [...found.values()].sort((a, b) => compare(a.group, b.group) || compare(a.version, b.version) || compare(a.kind, b.kind))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Kinds of one version of a group, built in or defined. */
const kindsOf = (
  { group, version }: Names,
  definitions: readonly CustomResourceDefinition[],
  wanted: (one: { readonly kind: string; readonly plural: string }) => boolean,
): readonly Known[] => {
  const builtIn = resourceFacts
    .filter((one) => one.group === group && one.version === version && wanted(one))
    .map(({ kind, type }) => ({ group, version, kind, type: celTypeOf(type, kind) }))
  const defined = definitions
    .filter(({ spec }) => spec.group === group && wanted(spec.names))
    .flatMap(({ spec }) => {
      const schema = spec.versions.find(({ name, served }) => name === version && served)?.schema?.openAPIV3Schema
      const type = schema && celTypeOfCustom(schema as Structural, spec.names.kind)
      return type ? [{ group, version, kind: spec.names.kind, type }] : []
    })
  return [...builtIn, ...defined]
}
