import { invalidValue, isDns1035Label, required } from '@skiff/machinery'
import { type Faults, invalidShown, same } from '../checks/faults.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
} from '../generated/types.ts'
import { goVersions } from './go-versions.ts'
import { checkSchema, type Known } from './root-schema.ts'
import { checkSelectable } from './selectable-fields.ts'

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const longestWarning = 256

type Version = CustomResourceDefinitionVersion

/** Upstream holds what all versions have alike once, beside the versions, and reports faults of it there. */
const placesOf = (versions: readonly Version[]) => {
  const alike = (field: 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields') =>
    versions.every((version) => same(version[field], versions[0]?.[field]))
  return {
    schema: alike('schema'),
    subresources: alike('subresources'),
    columns: alike('additionalPrinterColumns'),
    selectable: alike('selectableFields'),
  }
}

export const checkVersions = (faults: Faults, spec: CustomResourceDefinitionSpec, known: Known): void => {
  const versions = spec.versions ?? []
  const shared = placesOf(versions)
  versions.forEach(({ schema }, index) => {
    if (schema?.openAPIV3Schema === undefined)
      faults.push(required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required'))
  })
  versions.forEach((version, index) => {
    const path = `spec.versions[${index}]`
    checkVersionName(faults, version.name ?? '', `${path}.name`)
    checkDeprecation(faults, version, `${path}.deprecationWarning`)
    if (!shared.schema) checkSchema(faults, version, `${path}.schema`, version.subresources?.status !== undefined, known)
    if (!shared.subresources) checkSubresources(faults, version.subresources, `${path}.subresources`)
    if (!shared.columns) checkColumns(faults, version.additionalPrinterColumns, `${path}.additionalPrinterColumns`)
    if (!shared.selectable) checkSelectable(faults, version, `${path}.selectableFields`)
  })
  checkList(faults, versions, spec.versions === undefined)
}

/** What is reported beside the versions; upstream comes to it after the names. */
export const checkSharedParts = (faults: Faults, { versions = [] }: CustomResourceDefinitionSpec, known: Known): void => {
  const shared = placesOf(versions)
  const [first] = versions
  if (first === undefined) return
  const anyStatus = versions.some(({ subresources }) => subresources?.status !== undefined)
  if (shared.schema) checkSchema(faults, first, 'spec.validation', anyStatus, known)
  if (shared.subresources) checkSubresources(faults, first.subresources, 'spec.subresources')
  if (shared.columns) checkColumns(faults, first.additionalPrinterColumns, 'spec.additionalPrinterColumns')
  if (shared.selectable) checkSelectable(faults, first, 'spec.selectableFields')
}

const checkList = (faults: Faults, versions: readonly Version[], absent: boolean): void => {
  const shown = () => (absent ? '[]apiextensions.CustomResourceDefinitionVersion(nil)' : goVersions(versions, placesOf(versions)))
  const refuse = (detail: string) => faults.push(invalidShown('spec.versions', shown(), detail))
  if (new Set(versions.map(({ name }) => name)).size < versions.length) refuse('must contain unique version names')
  if (versions.filter(({ storage }) => storage).length !== 1) refuse('must have exactly one version marked as storage version')
  const [first] = versions
  if (first) checkVersionName(faults, first.name ?? '', 'spec.version')
}

const checkVersionName = (faults: Faults, name: string, path: string): void => {
  const complaints = isDns1035Label(name)
  if (complaints.length > 0 && !(path === 'spec.version' && name === '')) faults.push(invalidValue(path, name, complaints.join(',')))
}

const checkDeprecation = (faults: Faults, { deprecated, deprecationWarning: warning }: Version, path: string): void => {
  if (warning === undefined) return
  const refuse = (detail: string) => faults.push(invalidValue(path, warning, detail))
  if (!deprecated) {
    refuse('can only be set for deprecated versions')
    return
  }
  if (Buffer.byteLength(warning) > longestWarning) refuse(`must be <= ${longestWarning} characters long`)
  if (warning === '') refuse('must not be an empty string')
  const odd = warning.search(/[\p{C}\u2028\u2029]|(?! )\p{Z}/u)
  if (odd >= 0) refuse(`must only contain printable UTF-8 characters; non-printable character found at index ${odd}`)
}

const checkSubresources = (faults: Faults, subresources: CustomResourceSubresources | undefined, path: string): void => {
  const scale = subresources?.scale
  if (scale === undefined) return
  for (const [field, root] of [
    ['specReplicasPath', 'spec'],
    ['statusReplicasPath', 'status'],
  ] as const) {
    const value = scale[field]
    if (!value) faults.push(required(`${path}.scale.${field}`))
    else if (checkJsonPath(faults, value, `${path}.scale.${field}`) && !value.startsWith(`.${root}.`))
      faults.push(invalidValue(`${path}.scale.${field}`, value, `should be a json path under .${root}`))
  }
  const selector = scale.labelSelectorPath
  const at = `${path}.scale.labelSelectorPath`
  if (selector && checkJsonPath(faults, selector, at) && !/^\.(spec|status)\./.test(selector))
    faults.push(invalidValue(at, selector, 'should be a json path under either .spec or .status'))
}

/** True when the path has the form. */
const checkJsonPath = (faults: Faults, value: string, path: string): boolean => {
  if (value.startsWith('.')) return true
  faults.push(invalidValue(path, value, 'must be a simple json path starting with .'))
  return false
}

const checkColumns = (faults: Faults, columns: readonly CustomResourceColumnDefinition[] = [], path: string): void => {
  columns.forEach(({ name, type, format, jsonPath }, index) => {
    const at = `${path}[${index}]`
    const oneOf = (allowed: readonly string[]) => `must be one of ${allowed.join(',')}`
    if (!name) faults.push(required(`${at}.name`))
    if (!type) faults.push(required(`${at}.type`, oneOf(columnTypes)))
    else if (!columnTypes.includes(type)) faults.push(invalidValue(`${at}.type`, type, oneOf(columnTypes)))
    if (format && !columnFormats.includes(format)) faults.push(invalidValue(`${at}.format`, format, oneOf(columnFormats)))
    if (!jsonPath) faults.push(required(`${at}.JSONPath`))
    else checkJsonPath(faults, jsonPath, `${at}.JSONPath`)
  })
}
