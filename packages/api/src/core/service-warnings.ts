import { cidrWarnings, ipWarnings } from '../checks/address-warnings.ts'
import type { Service } from '../generated/types.ts'

const hintsAnnotation = 'service.kubernetes.io/topology-aware-hints'

const ignoredWhenHeadless = ({ spec }: Service): readonly string[] => {
  if (spec.type !== 'ClusterIP' || spec.clusterIP !== 'None') return []
  const ignored = [
    ...(spec.loadBalancerIP ? ['spec.loadBalancerIP'] : []),
    ...(spec.externalIPs?.length ? ['spec.externalIPs'] : []),
    ...(spec.sessionAffinity !== 'None' ? ['spec.SessionAffinity'] : []),
  ]
  return ignored.map((field) => `${field} is ignored for headless services`)
}

/** What a Service has to no effect, or writes in a way that will be refused one day. */
export const serviceWarnings = (service: Service): readonly string[] => {
  const { spec, metadata } = service
  const isExternal = spec.type === 'ExternalName'
  return [
    ...(metadata.annotations && Object.hasOwn(metadata.annotations, hintsAnnotation)
      ? [`annotation ${hintsAnnotation} is deprecated, please use service.kubernetes.io/topology-mode instead`]
      : []),
    ...(spec.clusterIP && spec.clusterIP !== 'None'
      ? (spec.clusterIPs ?? []).flatMap((address, index) => ipWarnings(`spec.clusterIPs[${index}]`, address))
      : []),
    ...ignoredWhenHeadless(service),
    ...(spec.externalIPs ?? []).flatMap((address, index) => ipWarnings(`spec.externalIPs[${index}]`, address)),
    ...(spec.loadBalancerIP ? ipWarnings('spec.loadBalancerIP', spec.loadBalancerIP) : []),
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, index) => cidrWarnings(`spec.loadBalancerSourceRanges[${index}]`, range)),
    ...(isExternal && spec.externalIPs?.length ? ['spec.externalIPs is ignored when spec.type is "ExternalName"'] : []),
    ...(!isExternal && spec.externalName ? ['spec.externalName is ignored when spec.type is not "ExternalName"'] : []),
  ]
}
