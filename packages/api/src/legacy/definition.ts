import { isDeepStrictEqual } from 'node:util'
import { type FieldError, forbiddenField, invalidValue, type KubeObject } from '@skiff/machinery'
import { checkStructural } from '../apiextensions/structural.ts'
import { collect } from '../checks/faults.ts'
import type { CustomResourceDefinition, JSONSchemaProps } from '../generated/types.ts'
import { eachOf, type Form, given, type Loose, type LooseFields } from './legacy-kind.ts'

// CustomResourceDefinitions of apiextensions.k8s.io/v1beta1: what all versions have alike stood beside them.

/** A field of the definition and what it is called within a version. */
const shared = {
  validation: 'schema',
  subresources: 'subresources',
  additionalPrinterColumns: 'additionalPrinterColumns',
  selectableFields: 'selectableFields',
} as const

const renamed = (columns: unknown, from: string, to: string): unknown =>
  eachOf(columns, ({ [from]: path, ...column }) => given({ ...column, [to]: path }))

const withDefaults = (object: Loose): Loose => {
  const spec = object.spec ?? {}
  const named = typeof spec.version === 'string' && spec.version !== '' ? spec.version : undefined
  const list = (spec.versions as readonly LooseFields[] | undefined) ?? []
  const versions = list.length === 0 && named ? [{ name: named, served: true, storage: true }] : list
  const conversion = (spec.conversion ?? { strategy: 'None' }) as LooseFields
  const lacksReviews = conversion.strategy === 'Webhook' && !(conversion.conversionReviewVersions as unknown[] | undefined)?.length
  return {
    ...object,
    spec: given({
      ...spec,
      scope: spec.scope || 'Namespaced',
      version: named ?? versions[0]?.name,
      versions,
      conversion: lacksReviews ? { ...conversion, conversionReviewVersions: ['v1beta1'] } : conversion,
      preserveUnknownFields: spec.preserveUnknownFields ?? true,
    }),
  } as Loose
}

const conversionToStored = ({ webhookClientConfig, conversionReviewVersions, ...conversion }: LooseFields): LooseFields => {
  if (!webhookClientConfig && !conversionReviewVersions) return conversion
  return { ...conversion, webhook: given({ clientConfig: webhookClientConfig, conversionReviewVersions: conversionReviewVersions ?? [] }) }
}

const conversionFromStored = ({ webhook, ...conversion }: LooseFields): LooseFields => {
  const { clientConfig, conversionReviewVersions } = (webhook ?? {}) as LooseFields
  return given({ ...conversion, webhookClientConfig: clientConfig, conversionReviewVersions })
}

/** A definition without a list of versions has the one that it names. */
const versionsOf = (version: unknown, versions: unknown): unknown =>
  version && !(versions as readonly unknown[] | undefined)?.length ? [{ name: version, served: true, storage: true }] : versions

const toStored = (object: Loose): Loose => {
  const { version, versions, conversion, preserveUnknownFields, ...rest } = object.spec ?? {}
  const { validation, subresources, additionalPrinterColumns, selectableFields, ...spec } = rest
  const above = given({ schema: validation, subresources, selectableFields })
  const columns = renamed(additionalPrinterColumns, 'JSONPath', 'jsonPath')
  const next = eachOf(versionsOf(version, versions), ({ additionalPrinterColumns: own, ...each }) =>
    given({ ...each, ...above, additionalPrinterColumns: columns ?? renamed(own, 'JSONPath', 'jsonPath') }),
  )
  const preserved = preserveUnknownFields === true ? { preserveUnknownFields } : {}
  const converted = conversion && conversionToStored(conversion as LooseFields)
  return { ...object, spec: given({ ...spec, ...preserved, versions: next, conversion: converted }) } as Loose
}

const fromStored = (object: Loose): Loose => {
  const { versions, conversion, ...spec } = object.spec ?? {}
  const list = (versions as readonly LooseFields[] | undefined) ?? []
  const above: Record<string, unknown> = {}
  const own = list.map((each) => ({ ...each }) as Record<string, unknown>)
  for (const [field, within] of Object.entries(shared)) {
    if (!list.every((each) => isDeepStrictEqual(each[within], list[0]?.[within]))) continue
    above[field] = list[0]?.[within]
    for (const each of own) delete each[within]
  }
  const columns = { additionalPrinterColumns: renamed(above.additionalPrinterColumns, 'jsonPath', 'JSONPath') }
  const named = own.map((each) =>
    given({ ...each, additionalPrinterColumns: renamed(each.additionalPrinterColumns, 'jsonPath', 'JSONPath') }),
  )
  const { preserveUnknownFields = false } = spec
  return {
    ...object,
    spec: given({
      ...spec,
      ...above,
      ...columns,
      version: list[0]?.name,
      versions: named,
      conversion: conversion && conversionFromStored(conversion as LooseFields),
      preserveUnknownFields,
    }),
  } as Loose
}

const schemasOf = (next: KubeObject): readonly (readonly [string, JSONSchemaProps])[] =>
  ((next as CustomResourceDefinition).spec.versions ?? []).flatMap(({ schema }, index) => {
    const root = schema?.openAPIV3Schema
    return root
      ? (['spec.validation', `spec.versions[${index}].schema`] as const).map((path) => [`${path}.openAPIV3Schema`, root] as const)
      : []
  })

const preserves = (next: KubeObject): boolean => (next as CustomResourceDefinition).spec.preserveUnknownFields === true

/** Schemas may be absent, and where unknown fields are kept, of any form. Groups of the project need nobody's approval. */
const fault = (each: FieldError, next: KubeObject): FieldError | undefined => {
  if (each.body.endsWith('schemas are required') || each.field === 'spec.preserveUnknownFields') return undefined
  if (each.field === 'metadata.annotations[api-approved.kubernetes.io]') return undefined
  if (!preserves(next) || !/^spec\.(validation|versions\[\d+\]\.schema)\.openAPIV3Schema/.test(each.field)) return each
  const structural = schemasOf(next).flatMap(([path, root]) => collect((faults) => checkStructural(faults, root, path)))
  return structural.some(({ field, body }) => field === each.field && body === each.body) ? undefined : each
}

const refusal = 'must not be set (cannot set default values in apiextensions.k8s.io/v1beta1 CRDs, must use apiextensions.k8s.io/v1)'

const defaultsIn = (schema: JSONSchemaProps | undefined, path: string): readonly FieldError[] => {
  if (!schema) return []
  const own = schema.default === undefined ? [] : [forbiddenField(`${path}.default`, refusal)]
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => defaultsIn(field, `${path}.properties[${name}]`))
  return [...own, ...fields]
}

const defaultsOf = (next: KubeObject): readonly FieldError[] =>
  schemasOf(next).flatMap(([path, root]) => (path.startsWith('spec.validation') ? defaultsIn(root, path) : []))

/** A webhook cannot be trusted with fields that nobody knows. */
const checkPruned = (next: KubeObject): readonly FieldError[] =>
  preserves(next) && (next as CustomResourceDefinition).spec.conversion?.strategy === 'Webhook'
    ? [invalidValue('spec.conversion.strategy', 'Webhook', 'must be None if spec.preserveUnknownFields is true')]
    : []

export const customResourceDefinition: Form = {
  default: withDefaults,
  toStored,
  fromStored,
  fault,
  more: (next, old) => [...(old && defaultsOf(old).length > 0 ? [] : defaultsOf(next)), ...checkPruned(next)],
}
