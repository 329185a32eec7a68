import { duplicate, invalidValue, required, tooMany } from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'
import type { CustomResourceDefinitionVersion } from '../generated/types.ts'
import { readFieldPath } from './field-path.ts'

const mostFields = 8
const types = ['string', 'boolean', 'integer']

/** The fields that field selectors may name. */
export const checkSelectable = (faults: Faults, { selectableFields, schema }: CustomResourceDefinitionVersion, path: string): void => {
  if (!selectableFields?.length) return
  const root = schema?.openAPIV3Schema
  if (root === undefined) {
    faults.push(invalidValue(path, '', 'selectableFields may only be set when version.schema.openAPIV3Schema is not included'))
    return
  }
  const met = new Set<string>()
  selectableFields.forEach(({ jsonPath = '' }, index) => {
    const at = `${path}[${index}].jsonPath`
    if (jsonPath === '') {
      faults.push(required(at))
      return
    }
    const found = readFieldPath(jsonPath, root, false)
    if (typeof found === 'string') {
      faults.push(invalidValue(at, jsonPath, `is an invalid path: ${found}`))
      return
    }
    if (found.text === 'metadata' || found.root === 'metadata')
      faults.push(invalidValue(at, jsonPath, 'must not point to fields in metadata'))
    if (!types.includes(found.schema.type ?? ''))
      faults.push(
        invalidValue(
          at,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      )
    if (met.has(found.text)) faults.push(duplicate(at, jsonPath))
    met.add(found.text)
  })
  if (met.size > mostFields) faults.push(tooMany(path, met.size, mostFields))
}
