import { invalidValue } from '@skiff/machinery'
import { collect } from '../checks/faults.ts'
import { lease as leaseResource } from '../generated/resources.ts'
import type { Lease } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

/** Coordinated leader election is off, and so are its fields. */
const withoutStrategy = (lease: Lease, old: Lease | undefined): Lease => {
  const { strategy, preferredHolder, ...spec } = lease.spec
  const used = old?.spec.strategy !== undefined || old?.spec.preferredHolder !== undefined
  return used || (strategy === undefined && preferredHolder === undefined) ? lease : { ...lease, spec }
}

export const lease = defineKind<Lease>(leaseResource, {
  generation: false,
  allowCreateOnUpdate: true,
  requireResourceVersion: true,
  prepareForCreate: (next) => withoutStrategy(next, undefined),
  prepareForUpdate: withoutStrategy,
  validate: ({ spec }) =>
    collect((faults) => {
      const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = spec
      if (seconds !== undefined && seconds <= 0) faults.push(invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0'))
      if (transitions !== undefined && transitions < 0)
        faults.push(invalidValue('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'))
    }),
})
