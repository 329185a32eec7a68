import {
  invalidValue,
  isDns1123Subdomain,
  isPortName,
  isWildcardDns1123Subdomain,
  nameIsDns1035Label,
  nameIsDnsSubdomain,
  notSupported,
  required,
} from '@skiff/machinery'
import { addInvalid, collect, type Faults } from '../checks/faults.ts'
import { checkIp, ipFamily } from '../checks/ip.ts'
import { checkObjectReference } from '../checks/object-reference.ts'
import { checkPortNumber } from '../checks/ports.ts'
import { ingress as ingressResource } from '../generated/resources.ts'
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const classAnnotation = 'kubernetes.io/ingress.class'

const checkSpec = (faults: Faults, spec: IngressSpec): void => {
  const rules = spec.rules ?? []
  if (rules.length === 0 && spec.defaultBackend === undefined)
    faults.push({
      reason: 'FieldValueInvalid',
      field: 'spec',
      body: 'Invalid value: []networking.IngressRule(nil): either `defaultBackend` or `rules` must be specified',
    })
  if (spec.defaultBackend) checkBackend(faults, spec.defaultBackend, 'spec.defaultBackend')
  rules.forEach((rule, index) => {
    checkRule(faults, rule, `spec.rules[${index}]`)
  })
  spec.tls?.forEach(({ hosts, secretName }, index) => {
    hosts?.forEach((host, at) => {
      checkHost(faults, host, `spec.tls[${index}].hosts[${at}]`)
    })
    if (secretName) addInvalid(faults, nameIsDnsSubdomain(secretName, false), secretName, `spec.tls[${index}].secretName`)
  })
  const name = spec.ingressClassName
  if (name !== undefined) addInvalid(faults, nameIsDnsSubdomain(name, false), name, 'spec.ingressClassName')
}

const checkHost = (faults: Faults, host: string, path: string): void =>
  addInvalid(faults, host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host), host, path)

const checkRule = (faults: Faults, { host, http }: IngressRule, path: string): void => {
  if (host) {
    if (ipFamily(host) !== 0) faults.push(invalidValue(`${path}.host`, host, 'must be a DNS name, not an IP address'))
    checkHost(faults, host, `${path}.host`)
  }
  if (http === undefined) return
  if (!http.paths?.length) faults.push(required(`${path}.http.paths`))
  http.paths?.forEach((each, index) => {
    checkPath(faults, each, `${path}.http.paths[${index}]`)
  })
}

const badSequences = ['//', '/./', '/../', '%2f', '%2F']
const badEnds = ['/..', '/.']

const checkPath = (faults: Faults, { path: target = '', pathType, backend }: HTTPIngressPath, path: string): void => {
  if (pathType === undefined) {
    faults.push(required(`${path}.pathType`, 'pathType must be specified'))
    return
  }
  const at = `${path}.path`
  const known = ['Exact', 'ImplementationSpecific', 'Prefix']
  if (!known.includes(pathType)) faults.push(notSupported(`${path}.pathType`, pathType, known))
  else if (pathType === 'ImplementationSpecific') {
    if (target !== '' && !target.startsWith('/')) faults.push(invalidValue(at, target, 'must be an absolute path'))
  } else {
    if (!target.startsWith('/')) faults.push(invalidValue(at, target, 'must be an absolute path'))
    for (const bad of badSequences) if (target.includes(bad)) faults.push(invalidValue(at, target, `must not contain '${bad}'`))
    for (const bad of badEnds) if (target.endsWith(bad)) faults.push(invalidValue(at, target, `cannot end with '${bad}'`))
  }
  checkBackend(faults, backend ?? {}, `${path}.backend`)
}

const checkBackend = (faults: Faults, { service, resource }: IngressBackend, path: string): void => {
  if (service && resource) faults.push(invalidValue(path, '', 'cannot set both resource and service backends'))
  else if (resource) checkObjectReference(faults, resource, `${path}.resource`)
  else if (service) {
    if (!service.name) faults.push(required(`${path}.service.name`))
    else addInvalid(faults, nameIsDns1035Label(service.name, false), service.name, `${path}.service.name`)
    const { name, number } = service.port ?? {}
    if (name && number) faults.push(invalidValue(path, '', 'cannot set both port name & port number'))
    else if (name) addInvalid(faults, isPortName(name), name, `${path}.service.port.name`)
    else if (number) checkPortNumber(faults, number, `${path}.service.port.number`)
    else faults.push(required(path, 'port name or number is required'))
  } else faults.push(invalidValue(path, '', 'resource or service backend is required'))
}

export const ingress = defineKind<Ingress>(ingressResource, {
  // Upstream knows the internal type under extensions as well, and under that name first.
  internalGroup: 'extensions',
  warnings: ({ metadata, spec }, old) =>
    old === undefined && metadata.annotations?.[classAnnotation] !== undefined && spec.ingressClassName === undefined
      ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  validate: (next) =>
    collect((faults) => {
      checkSpec(faults, next.spec)
      const annotation = next.metadata.annotations?.[classAnnotation]
      const name = next.spec.ingressClassName
      if (annotation !== undefined && name !== undefined && annotation !== name)
        faults.push(invalidValue(`annotations.${classAnnotation}`, annotation, 'must match `ingressClassName` when both are specified'))
    }),
  validateUpdate: (next) => collect((faults) => checkSpec(faults, next.spec)),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next) =>
        collect((faults) => {
          next.status?.loadBalancer?.ingress?.forEach(({ ip, hostname }, index) => {
            const path = `status.loadBalancer.ingress[${index}]`
            if (ip) checkIp(faults, ip, `${path}.ip`)
            if (!hostname) return
            addInvalid(faults, isDns1123Subdomain(hostname), hostname, `${path}.hostname`)
            if (ipFamily(hostname) !== 0) faults.push(invalidValue(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address'))
          })
        }),
    },
  },
})
