import { forbiddenField, invalidValue, nameIsDns1035Label } from '@skiff/machinery'
import { collect, orNull } from '../checks/faults.ts'
import { service as serviceResource } from '../generated/resources.ts'
import type { Service } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { checkClusterIpChange } from './service-addresses.ts'
import { defaultService, defaultStoredService, needsHealthCheckPort } from './service-default.ts'
import { prepareNewService, prepareServiceUpdate } from './service-prepare.ts'
import { checkLoadBalancerClass, checkService, checkServiceStatus } from './service-validate.ts'
import { serviceWarnings } from './service-warnings.ts'

export const service = defineKind<Service>(serviceResource, {
  generation: false,
  allowCreateOnUpdate: true,
  validateName: nameIsDns1035Label,
  default: defaultService,
  defaultOnRead: defaultStoredService,
  prepareForCreate: prepareNewService,
  prepareForUpdate: prepareServiceUpdate,
  validate: (next) => collect((faults) => checkService(faults, next)),
  warnings: serviceWarnings,
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkClusterIpChange(faults, next, old)
      const [now, before] = [next.spec.loadBalancerClass, old.spec.loadBalancerClass]
      if (next.spec.type === 'LoadBalancer' && old.spec.type === 'LoadBalancer' && now !== before)
        faults.push(invalidValue('spec.loadBalancerClass', orNull(now), 'may not change once set'))
      // Upstream looks at it here, and once more among all the rest.
      checkLoadBalancerClass(faults, next.spec)
      const kept = needsHealthCheckPort(next.spec) && needsHealthCheckPort(old.spec)
      if (kept && next.spec.healthCheckNodePort !== old.spec.healthCheckNodePort)
        faults.push(forbiddenField('spec.healthCheckNodePort', 'field is immutable'))
      checkService(faults, next)
    }),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next) => collect((faults) => checkServiceStatus(faults, next)),
    },
  },
})
