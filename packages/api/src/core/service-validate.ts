import {
  duplicate,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  quoted,
  required,
} from '@skiff/machinery'
import { addInvalid, checkOneOf, checkSupported, type Faults } from '../checks/faults.ts'
import { checkCidr, checkIp, checkReachableIp, ipFamily } from '../checks/ip.ts'
import { checkLabels } from '../checks/label-selector.ts'
import { checkPortNumber, checkPortNumOrName, protocols } from '../checks/ports.ts'
import { isOn } from '../features/scope.ts'
import type { Service, ServicePort, ServiceSpec } from '../generated/types.ts'
import { checkClusterIps, isHeadless } from './service-addresses.ts'
import { isExternal, needsHealthCheckPort } from './service-default.ts'

const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const hintsAnnotation = 'service.kubernetes.io/topology-aware-hints'
const modeAnnotation = 'service.kubernetes.io/topology-mode'
const longestAffinitySeconds = 86400

export const checkService = (faults: Faults, service: Service): void => {
  const { spec } = service
  const annotations = service.metadata.annotations ?? {}
  const [hints, mode] = [annotations[hintsAnnotation], annotations[modeAnnotation]]
  if (hints !== undefined && mode !== undefined && hints !== mode)
    faults.push(
      invalidValue(`metadata.annotations[${modeAnnotation}]`, mode, `must match annotations[${hintsAnnotation}] when both are specified`),
    )
  if (!spec.ports?.length && !isHeadless(spec) && spec.type !== 'ExternalName') faults.push(required('spec.ports'))
  checkByType(faults, spec)
  const names = new Set<string>()
  spec.ports?.forEach((port, index) => {
    checkPort(faults, port, (spec.ports?.length ?? 0) > 1, names, `spec.ports[${index}]`)
  })
  checkLabels(faults, spec.selector, 'spec.selector')
  checkAffinity(faults, spec)
  checkClusterIps(faults, spec)
  spec.externalIPs?.forEach((address, index) => {
    if (ipFamily(address) === 0) checkIp(faults, address, `spec.externalIPs[${index}]`)
    else checkReachableIp(faults, address, `spec.externalIPs[${index}]`)
  })
  checkOneOf(faults, spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], 'spec.type')
  checkPortsTogether(faults, spec)
  checkSourceRanges(faults, spec, annotations[sourceRangesAnnotation])
  checkLoadBalancer(faults, spec)
  checkTraffic(faults, spec)
}

const kubeletPort = 10250

const checkByType = (faults: Faults, spec: ServiceSpec): void => {
  if (spec.type === 'LoadBalancer')
    spec.ports?.forEach(({ port }, index) => {
      if (port === kubeletPort)
        faults.push(invalidValue(`spec.ports[${index}]`, port, `may not expose port ${kubeletPort} externally since it is used by kubelet`))
    })
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(spec))
    faults.push(invalidValue('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`))
  if (spec.type !== 'ExternalName') return
  const notHere = 'may not be set for ExternalName services'
  if (spec.clusterIPs?.length) faults.push(forbiddenField('spec.clusterIPs', notHere))
  if (spec.ipFamilies?.length) faults.push(forbiddenField('spec.ipFamilies', notHere))
  if (spec.ipFamilyPolicy !== undefined) faults.push(forbiddenField('spec.ipFamilyPolicy', notHere))
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (name === '') faults.push(required('spec.externalName'))
  else addInvalid(faults, isDns1123Subdomain(name), name, 'spec.externalName')
}

const checkPort = (faults: Faults, port: ServicePort, needsName: boolean, names: Set<string>, path: string): void => {
  const name = port.name ?? ''
  if (needsName && name === '') faults.push(required(`${path}.name`))
  else if (name !== '') {
    addInvalid(faults, isDns1123Label(name), name, `${path}.name`)
    if (names.has(name)) faults.push(duplicate(`${path}.name`, name))
    names.add(name)
  }
  checkPortNumber(faults, port.port ?? 0, `${path}.port`)
  checkOneOf(faults, port.protocol, protocols, `${path}.protocol`)
  checkPortNumOrName(faults, port.targetPort, `${path}.targetPort`)
  if (port.appProtocol !== undefined) addInvalid(faults, isQualifiedName(port.appProtocol), port.appProtocol, `${path}.appProtocol`)
}

const checkAffinity = (faults: Faults, spec: ServiceSpec): void => {
  checkOneOf(faults, spec.sessionAffinity, ['ClientIP', 'None'], 'spec.sessionAffinity')
  const config = spec.sessionAffinityConfig
  const path = 'spec.sessionAffinityConfig'
  if (spec.sessionAffinity === 'None') {
    if (config !== undefined) faults.push(forbiddenField(path, 'must not be set when session affinity is None'))
  } else if (spec.sessionAffinity === 'ClientIP') {
    const why = 'when session affinity type is ClientIP'
    const seconds = config?.clientIP?.timeoutSeconds
    if (config === undefined) faults.push(required(path, why))
    else if (config.clientIP === undefined) faults.push(required(`${path}.clientIP`, why))
    else if (seconds === undefined) faults.push(required(`${path}.clientIP.timeoutSeconds`, why))
    else if (seconds <= 0 || seconds > longestAffinitySeconds)
      faults.push(
        invalidValue(`${path}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${longestAffinitySeconds}`),
      )
  }
}

const checkPortsTogether = (faults: Faults, spec: ServiceSpec): void => {
  const ports = spec.ports ?? []
  if (spec.type === 'ClusterIP')
    ports.forEach((port, index) => {
      if (port.nodePort) faults.push(forbiddenField(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'"))
    })
  const nodePorts = new Set<string>()
  ports.forEach((port, index) => {
    if (!port.nodePort) return
    const key = `${port.protocol}/${port.nodePort}`
    if (nodePorts.has(key)) faults.push(duplicate(`spec.ports[${index}].nodePort`, port.nodePort))
    nodePorts.add(key)
  })
  const numbers = new Set<string>()
  ports.forEach(({ protocol = '', port = 0 }, index) => {
    const key = `${protocol}/${port}`
    if (numbers.has(key)) {
      const target = 'intstr.IntOrString{Type:0, IntVal:0, StrVal:""}'
      const shown = `core.ServicePort{Name:"", Protocol:${quoted(protocol)}, AppProtocol:(*string)(nil), Port:${port}, TargetPort:${target}, NodePort:0}`
      faults.push({ ...duplicate(`spec.ports[${index}]`, port), body: `Duplicate value: ${shown}` })
    }
    numbers.add(key)
  })
}

const onlyForLoadBalancer = "may only be used when `type` is 'LoadBalancer'"

const checkSourceRanges = (faults: Faults, spec: ServiceSpec, annotation: string | undefined): void => {
  const ranges = spec.loadBalancerSourceRanges ?? []
  const path = ranges.length > 0 ? 'spec.LoadBalancerSourceRanges' : `metadata.annotations[${sourceRangesAnnotation}]`
  if (ranges.length === 0 && annotation === undefined) return
  if (spec.type !== 'LoadBalancer') faults.push(forbiddenField(path, onlyForLoadBalancer))
  ranges.forEach((range, index) => {
    checkCidr(faults, range.trim(), `${path}[${index}]`)
  })
  if (ranges.length === 0 && annotation?.trim()) for (const range of annotation.trim().split(',')) checkCidr(faults, range.trim(), path)
}

const checkLoadBalancer = (faults: Faults, spec: ServiceSpec): void => {
  const isLoadBalancer = spec.type === 'LoadBalancer'
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isLoadBalancer)
    faults.push(forbiddenField('spec.allocateLoadBalancerNodePorts', onlyForLoadBalancer))
  if (spec.allocateLoadBalancerNodePorts === undefined && isLoadBalancer) faults.push(required('allocateLoadBalancerNodePorts'))
  checkLoadBalancerClass(faults, spec)
}

export const checkLoadBalancerClass = (faults: Faults, spec: ServiceSpec): void => {
  const name = spec.loadBalancerClass
  if (name === undefined) return
  if (spec.type === 'LoadBalancer') addInvalid(faults, isQualifiedName(name), name, 'spec.loadBalancerClass')
  else faults.push(forbiddenField('spec.loadBalancerClass', onlyForLoadBalancer))
}

const checkTraffic = (faults: Faults, spec: ServiceSpec): void => {
  const policy = spec.externalTrafficPolicy
  if (isExternal(spec)) checkOneOf(faults, policy, ['Cluster', 'Local'], 'spec.externalTrafficPolicy')
  else if (policy !== undefined)
    faults.push(invalidValue('spec.externalTrafficPolicy', policy, 'may only be set for externally-accessible services'))
  const port = spec.healthCheckNodePort ?? 0
  if (needsHealthCheckPort(spec)) {
    if (port === 0) faults.push(required('spec.healthCheckNodePort'))
    else checkPortNumber(faults, port, 'spec.healthCheckNodePort')
  } else if (port !== 0)
    faults.push(
      invalidValue(
        'spec.healthCheckNodePort',
        port,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    )
  checkSupported(faults, spec.internalTrafficPolicy, ['Cluster', 'Local'], 'spec.internalTrafficPolicy')
  const distribution = spec.trafficDistribution
  const known = isOn('PreferSameTrafficDistribution') ? ['PreferClose', 'PreferSameNode', 'PreferSameZone'] : ['PreferClose']
  checkSupported(faults, distribution, known, 'spec.trafficDistribution')
}

/** Addresses that a load balancer reports. */
export const checkServiceStatus = (faults: Faults, service: Service): void => {
  const path = 'status.loadBalancer.ingress'
  const ingress = service.status?.loadBalancer?.ingress ?? []
  if (service.spec.type !== 'LoadBalancer' && ingress.length > 0) {
    faults.push(forbiddenField(path, "may only be used when `spec.type` is 'LoadBalancer'"))
    return
  }
  ingress.forEach(({ ip, ipMode, hostname }, index) => {
    const at = `${path}[${index}]`
    if (ip) checkIp(faults, ip, `${at}.ip`)
    if (ipMode === undefined) {
      if (ip) faults.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'))
    } else if (!ip) faults.push(forbiddenField(`${at}.ipMode`, 'may not be specified when `ip` is not set'))
    else checkSupported(faults, ipMode, ['Proxy', 'VIP'], `${at}.ipMode`)
    if (!hostname) return
    addInvalid(faults, isDns1123Subdomain(hostname), hostname, `${at}.hostname`)
    if (ipFamily(hostname) !== 0) faults.push(invalidValue(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'))
  })
}
