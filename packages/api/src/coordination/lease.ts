import { invalidValue } from '@skiff/machinery'
import { collect } from '../checks/faults.ts'
import { lease as leaseResource } from '../generated/resources.ts'
import type { Lease } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

export const lease = defineKind<Lease>(leaseResource, {
  generation: false,
  allowCreateOnUpdate: true,
  requireResourceVersion: true,
  validate: ({ spec }) =>
    collect((faults) => {
      const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = spec
      if (seconds !== undefined && seconds <= 0) faults.push(invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0'))
      if (transitions !== undefined && transitions < 0)
        faults.push(invalidValue('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'))
    }),
})
