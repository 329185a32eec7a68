import { required } from '@skiff/machinery'
import { checkImmutable, checkNonNegative, collect, type Faults } from '../checks/faults.ts'
import { controllerRevision as controllerRevisionResource } from '../generated/resources.ts'
import type { ControllerRevision } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const checkRevision = (faults: Faults, { data, revision }: ControllerRevision): void => {
  if (data === undefined) faults.push(required('data', 'data is mandatory'))
  checkNonNegative(faults, revision, 'revision')
}

export const controllerRevision = defineKind<ControllerRevision>(controllerRevisionResource, {
  generation: false,
  validate: (next) => collect((faults) => checkRevision(faults, next)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkRevision(faults, next)
      checkImmutable(faults, next.data, old.data, 'data')
    }),
})
