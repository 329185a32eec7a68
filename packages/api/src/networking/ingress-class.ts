import { forbiddenField, nameIsDnsLabel, notSupported, required, tooLong } from '@skiff/machinery'
import { checkDomainPath } from '../checks/domain-path.ts'
import { addInvalid, checkImmutable, collect, type Faults } from '../checks/faults.ts'
import { checkObjectReference } from '../checks/object-reference.ts'
import { withDefaults, withField } from '../defaults/patch.ts'
import { ingressClass as ingressClassResource } from '../generated/resources.ts'
import type { IngressClass, IngressClassParametersReference, IngressClassSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const longestController = 250

const checkParameters = (faults: Faults, parameters: IngressClassParametersReference): void => {
  const path = 'spec.parameters'
  const { scope, namespace } = parameters
  checkObjectReference(faults, parameters, path)
  if (scope === undefined) faults.push(required(`${path}.scope`))
  else if (scope === 'Namespace') {
    if (namespace === undefined) faults.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"))
    else addInvalid(faults, nameIsDnsLabel(namespace, false), namespace, `${path}.namespace`)
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) faults.push(forbiddenField(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  } else faults.push(notSupported(`${path}.scope`, scope, ['Cluster', 'Namespace']))
}

const checkSpec = (faults: Faults, { controller = '', parameters }: IngressClassSpec): void => {
  if (controller.length > longestController) faults.push(tooLong('spec.controller', '', longestController))
  checkDomainPath(faults, controller, 'spec.controller')
  if (parameters) checkParameters(faults, parameters)
}

export const ingressClass = defineKind<IngressClass>(ingressClassResource, {
  default: (object) =>
    object.spec.parameters
      ? withField(object, 'spec', withField(object.spec, 'parameters', withDefaults(object.spec.parameters, { scope: 'Cluster' })))
      : object,
  validate: (next) => collect((faults) => checkSpec(faults, next.spec)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkImmutable(faults, next.spec.controller ?? '', old.spec.controller ?? '', 'spec.controller')
      checkSpec(faults, next.spec)
    }),
})
