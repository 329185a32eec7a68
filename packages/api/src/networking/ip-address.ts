import { isCanonicalIp, isDns1123Subdomain, nameIsPathSegment, required } from '@skiff/machinery'
import { addInvalid, checkImmutable, collect, type Faults } from '../checks/faults.ts'
import { ipAddress as ipAddressResource } from '../generated/resources.ts'
import type { IPAddress, ParentReference } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const path = 'spec.parentRef'

const checkParent = (faults: Faults, parent: ParentReference | undefined): void => {
  if (parent === undefined) {
    faults.push(required(path))
    return
  }
  const { group, resource, namespace, name } = parent
  if (group) addInvalid(faults, isDns1123Subdomain(group), group, `${path}.group`)
  if (!resource) faults.push(required(`${path}.resource`))
  else addInvalid(faults, nameIsPathSegment(resource, false), resource, `${path}.resource`)
  if (!name) faults.push(required(`${path}.name`))
  else addInvalid(faults, nameIsPathSegment(name, false), name, `${path}.name`)
  if (namespace) addInvalid(faults, nameIsPathSegment(namespace, false), namespace, `${path}.namespace`)
}

export const ipAddress = defineKind<IPAddress>(ipAddressResource, {
  generation: false,
  /** The object's name is the address. */
  validateName: isCanonicalIp,
  validate: (next) => collect((faults) => checkParent(faults, next.spec.parentRef)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkParent(faults, next.spec.parentRef)
      checkImmutable(faults, next.spec.parentRef, old.spec.parentRef, path)
    }),
})
