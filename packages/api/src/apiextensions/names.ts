import { invalidValue, isDns1035Label } from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'
import type { CustomResourceDefinitionNames } from '../generated/types.ts'

/** The form of names; which must be there differs between spec and status. */
export const checkNames = (faults: Faults, names: Partial<CustomResourceDefinitionNames>, path: string): void => {
  const { plural, singular, kind, listKind } = names
  checkLabel(faults, plural, `${path}.plural`)
  checkLabel(faults, singular, `${path}.singular`)
  checkKind(faults, kind, `${path}.kind`)
  checkKind(faults, listKind, `${path}.listKind`)
  names.shortNames?.forEach((name, index) => {
    checkLabel(faults, name, `${path}.shortNames[${index}]`, true)
  })
  if (kind && kind === listKind) faults.push(invalidValue(`${path}.listKind`, listKind, 'kind and listKind may not be the same'))
  names.categories?.forEach((category, index) => {
    checkLabel(faults, category, `${path}.categories[${index}]`, true)
  })
}

const checkLabel = (faults: Faults, name: string | undefined, path: string, evenEmpty = false): void => {
  const complaints = name || evenEmpty ? isDns1035Label(name ?? '') : []
  if (complaints.length > 0) faults.push(invalidValue(path, name ?? '', complaints.join(',')))
}

const checkKind = (faults: Faults, kind: string | undefined, path: string): void => {
  const complaints = kind ? isDns1035Label(kind.toLowerCase()) : []
  if (complaints.length > 0)
    faults.push(invalidValue(path, kind, `may have mixed case, but should otherwise match: ${complaints.join(',')}`))
}
