import { isDns1123Subdomain, nameIsPathSegment, required } from '@skiff/machinery'
import { addInvalid, type Faults } from './faults.ts'

interface Reference {
  readonly apiGroup?: string
  readonly kind?: string
  readonly name?: string
}

/** A reference by group, kind and name, whose kind the server need not know. */
export const checkObjectReference = (faults: Faults, { apiGroup, kind, name }: Reference, path: string): void => {
  if (apiGroup !== undefined) addInvalid(faults, isDns1123Subdomain(apiGroup), apiGroup, `${path}.apiGroup`)
  if (!kind) faults.push(required(`${path}.kind`, 'kind is required'))
  else addInvalid(faults, nameIsPathSegment(kind, false), kind, `${path}.kind`)
  if (!name) faults.push(required(`${path}.name`, 'name is required'))
  else addInvalid(faults, nameIsPathSegment(name, false), name, `${path}.name`)
}
